//! The one that reads the store for everybody: whenever it was written to, while somebody follows, and not more often than the
//! machine has time for.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use tokio::sync::{oneshot, watch};
use tracking::{DATABASE, Progress, Reader, StoreError};

use super::pace::{PAUSE, Pace, spread};
use super::parts::Parts;
use crate::cli::ComparisonArgs;
use crate::error;
use crate::page::Page;
use crate::page::progress::{going, is_going, is_unfinished, last_moment, left, spent, varying};
use crate::page::read::read_page;
use crate::query::store;
use crate::render;

/// How often it is looked whether the store was written to.
const LOOK: Duration = Duration::from_millis(200);
/// The page is made anew as often as progress is told; but when a sweep has begun, it takes its time, in seconds of one core, and waits
/// for the end of a short one,
const FIRST_PAUSE: u32 = 20;
/// which has no more than this left then, in seconds of one core; and while run upon run ends, it takes longer and longer, until it is
/// this.
const LONGEST_PAUSE: u32 = 120;
/// Progress is told that often where something runs, for its process may be gone.
const PULSE: Duration = Duration::from_secs(5);
/// To tell progress takes no more than this part of the time,
const PROGRESS_SHARE: u32 = 20;
/// and to make the page no more than this.
const PAGE_SHARE: u32 = 100;
/// When the page has been the same for so long, there is time to show it everywhere,
const REST: Duration = Duration::from_secs(2);
/// or for so long while something runs, in seconds of one core; longer than the longest pause where more is to come.
const LONG_REST: u32 = 40;

/// What is served: replaced as a whole.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub parts: Parts,
    pub page: String,
    pub etag: String,
    pub event: String,
    /// Something runs, and changes so often that to paint it everywhere would be at its cost.
    pub busy: bool,
    /// Nothing but progress has changed for some time.
    pub rests: bool,
}

impl Snapshot {
    fn of(parts: Parts, busy: bool, rests: bool) -> Self {
        Self { page: parts.page(), etag: parts.etag(), event: parts.event(), parts, busy, rests }
    }
}

/// Somebody who waits until it was looked whether there is something new.
#[derive(Debug)]
struct Ask {
    /// As far as there is time, the page is to be made for him.
    for_page: bool,
    reply: oneshot::Sender<()>,
}

/// Where to ask for what is served.
#[derive(Debug, Clone)]
pub struct Watch {
    asks: Sender<Ask>,
    snapshots: Arc<watch::Sender<Arc<Snapshot>>>,
}

impl Watch {
    /// Begins to watch a results folder, on a thread of its own.
    pub fn begin(results: &Path, options: &ComparisonArgs) -> std::io::Result<Self> {
        let (asks, asked) = mpsc::channel();
        // For who asks before the store was read, which may take some time: a page that follows.
        let mut reading = nothing();
        reading.set_progress(
            &render::html::progress(&[], Some("the results are being read")).unwrap_or_default(),
        );
        let snapshots = Arc::new(watch::Sender::new(Arc::new(Snapshot::of(reading, false, false))));
        let mut watcher = Watcher::new(results, options, Arc::clone(&snapshots));
        std::thread::Builder::new().name("watch".into()).spawn(move || watcher.run(&asked))?;
        Ok(Self { asks, snapshots })
    }

    /// What there is now, or was not long ago.
    pub async fn now(&self) -> Arc<Snapshot> {
        self.ask(false).await
    }

    /// The same for one who opens the page: it does not wait for its usual time.
    pub async fn newest(&self) -> Arc<Snapshot> {
        self.ask(true).await
    }

    async fn ask(&self, for_page: bool) -> Arc<Snapshot> {
        let (reply, seen) = oneshot::channel();
        if self.asks.send(Ask { for_page, reply }).is_ok() {
            // Who has no time is sent what was there before.
            let _ = tokio::time::timeout(2 * PAUSE, seen).await;
        }
        self.snapshots.borrow().clone()
    }

    /// Until there is time to paint it everywhere.
    pub async fn calm(&self) {
        // Who has gone tells nothing that would be painted.
        let _ = self.snapshots.subscribe().wait_for(|now| !now.busy).await;
    }

    /// What there is now, and then whatever it becomes.
    pub async fn follow(&self) -> watch::Receiver<Arc<Snapshot>> {
        let mut following = self.snapshots.subscribe();
        self.now().await;
        following.mark_changed();
        following
    }
}

/// The thread that reads.
struct Watcher {
    results: PathBuf,
    options: ComparisonArgs,
    snapshots: Arc<watch::Sender<Arc<Snapshot>>>,
    seen: Option<Stamp>,
    parts: Parts,
    /// Why there is no page, or an old one.
    trouble: Option<String>,
    /// By experiment, the hyperparameters that tell the runs apart that were on the page or told of.
    varying: HashMap<String, BTreeSet<String>>,
    /// What goes on: experiments, and of those that have a plan when its sweep began.
    under_way: HashSet<(String, String)>,
    /// Something of that is new, and was not told everywhere.
    untold: bool,
    /// Experiments that somebody has been at since this one watches.
    watched: HashSet<String>,
    /// A sweep has begun, and there was no time for the page since.
    beginning: bool,
    /// When the page last became another, until everybody has it.
    moved: Option<Instant>,
    page: Pace,
    progress: Pace,
}

impl Watcher {
    fn new(
        results: &Path,
        options: &ComparisonArgs,
        snapshots: Arc<watch::Sender<Arc<Snapshot>>>,
    ) -> Self {
        Self {
            results: results.to_owned(),
            options: options.clone(),
            snapshots,
            seen: None,
            parts: Parts::default(),
            trouble: None,
            varying: HashMap::new(),
            under_way: HashSet::new(),
            untold: false,
            watched: HashSet::new(),
            beginning: false,
            moved: Some(Instant::now()),
            page: Pace::new(PAGE_SHARE),
            progress: Pace::new(PROGRESS_SHARE),
        }
    }

    /// Until nobody can ask any more. While nobody follows, only who asks makes it look.
    fn run(&mut self, asked: &Receiver<Ask>) {
        loop {
            let followed = self.snapshots.receiver_count() > 0;
            // Nothing is told before the pause is over: until then nobody looks either.
            let ask = match followed {
                true => asked.recv_timeout(
                    Some(self.progress.rest()).filter(|it| !it.is_zero()).unwrap_or(LOOK),
                ),
                false => asked.recv().map_err(Into::into),
            };
            if matches!(ask, Err(RecvTimeoutError::Disconnected)) {
                return;
            }
            self.look(ask.as_ref().ok());
            if let Ok(Ask { reply, .. }) = ask {
                // Who does not wait any more need not be told.
                let _ = reply.send(());
            }
        }
    }

    fn going(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Whether there is something to tell, and was not before.
    fn notice(&mut self) -> bool {
        let had_nothing = !self.progress.due;
        let stamp = Stamp::of(&self.results);
        if self.seen.as_ref() != Some(&stamp) || !stamp.is_settled() {
            self.page.want();
            self.progress.want();
        }
        self.seen = Some(stamp);
        if self.going() && self.progress.ended.is_some_and(|ended| ended.elapsed() >= PULSE) {
            self.progress.want();
        }
        had_nothing && self.progress.due
    }

    fn look(&mut self, ask: Option<&Ask>) {
        if self.notice() && !self.going() && ask.is_none() {
            // Who begins writes more in a moment, and all of it is told together, at the next look.
            return;
        }
        if ask.is_some_and(|ask| ask.for_page) {
            self.page.hurry();
        }
        let seldom = self.going() && self.moved.is_none();
        let long = spread(LONG_REST + if self.page.due { LONGEST_PAUSE } else { 0 }).max(REST);
        let rest = if self.going() { long } else { REST };
        let rests =
            !self.page.has_come() && self.moved.take_if(|moved| moved.elapsed() >= rest).is_some();
        if !self.page.has_come() && !self.progress.has_come() && !rests {
            return;
        }
        let begun = Instant::now();
        let progress = self.read_progress();
        let spent = begun.elapsed();
        if self.page.has_come() && !self.waits_for_end(&progress) {
            let begun = Instant::now();
            self.make_page();
            self.page.took(
                begun.elapsed(),
                if self.going() { spread(LONGEST_PAUSE).max(PAUSE) } else { PAUSE },
            );
        }
        // Last, so that the page's pause is over when this one is.
        self.progress.took(spent, PAUSE);
        self.set_progress(&progress);
        // What happens now and then is told everywhere at once, and that something begins which is not over soon.
        let seldom = seldom && self.moved.is_some();
        let begins = self.untold && !ends_soon(&progress);
        let busy = self.going() && !(begins || seldom || rests);
        self.untold &= busy;
        self.snapshots.send_replace(Arc::new(Snapshot::of(self.parts.clone(), busy, rests)));
    }

    /// Whether the page waits for the end of a sweep, which will come soon: once, for it may come late.
    fn waits_for_end(&mut self, progress: &[(String, Progress)]) -> bool {
        if self.page.hurried || !self.going() || !std::mem::take(&mut self.beginning) {
            return false;
        }
        let now = SystemTime::now();
        let left = progress
            .iter()
            .map(|(_, it)| left(it, now))
            .try_fold(Duration::ZERO, |most, it| Some(most.max(it?)));
        let soon = left.filter(|left| *left <= spread(LONGEST_PAUSE));
        if let Some(left) = soon {
            // It is an estimate.
            self.page.rest_for(left + left / 4);
        }
        soon.is_some()
    }

    /// The page of what is in the store. Where it cannot be read, the page stays as it was, and it is said why.
    fn make_page(&mut self) {
        let before = self.parts.content();
        let made = self.read().and_then(|page| Ok(render::html::followed(&page)?));
        self.trouble = made.as_ref().err().map(error::message);
        match made {
            Ok(page) => self.parts = Parts::of(&page),
            Err(_) if self.parts.is_empty() || !self.results.join(DATABASE).exists() => {
                self.parts = nothing();
            }
            Err(_) => {}
        }
        if self.parts.content() != before {
            self.moved = Some(Instant::now());
        }
    }

    fn read(&mut self) -> Result<Page> {
        let reader = store::open(&self.results)?;
        let (page, answer) = read_page(&reader, &self.results, &self.options)?;
        for (experiment, runs) in &answer.runs {
            let varies = self.varying.entry(experiment.name.clone()).or_default();
            varies.extend(varying(runs.iter().map(|it| &it.run)));
        }
        Ok(page)
    }

    /// How far everything has come that is told of; whether something runs is known then.
    fn read_progress(&mut self) -> Vec<(String, Progress)> {
        let all = self.all_progress().unwrap_or_default();
        let going = all.iter().filter(|(_, it)| is_going(it));
        let start =
            |it: &Progress| if it.work.is_some() { it.started_at.clone() } else { String::new() };
        let under_way: HashSet<_> = going.map(|(name, it)| (name.clone(), start(it))).collect();
        self.untold |= !under_way.is_subset(&self.under_way);
        let was_going = self.going();
        self.under_way = under_way;
        if was_going != self.going() {
            self.moved = Some(Instant::now());
        }
        if was_going && !self.going() {
            // Nobody is slowed any more; and runs whose process is gone are killed, though nobody wrote that down.
            self.page.due = true;
            self.page.rest_no_more();
        } else if self.going() && !was_going && !self.parts.is_empty() {
            // What has just begun has little more to show than its progress.
            self.beginning = all.iter().any(|(_, it)| it.work.is_some());
            self.page.rest_for(if self.beginning { spread(FIRST_PAUSE).max(PAUSE) } else { PAUSE });
            self.trouble = None;
        }
        all
    }

    fn set_progress(&mut self, all: &[(String, Progress)]) {
        let now = SystemTime::now();
        let told = all.iter().map(|(name, it)| {
            let varies = self.varying.entry(name.clone()).or_default();
            varies.extend(varying(it.running.iter().chain(&it.latest)));
            going(name, it, varies, now)
        });
        let told: Vec<_> = told.collect();
        if let Ok(html) = render::html::progress(&told, self.trouble.as_deref()) {
            self.parts.set_progress(&html);
        }
    }

    /// Of the experiments that are going on, or were and were left; else of the one that was last.
    fn all_progress(&mut self) -> Result<Vec<(String, Progress)>, StoreError> {
        let reader = Reader::open(&self.results)?;
        let mut all = Vec::new();
        for experiment in reader.experiments()? {
            let asked = &self.options.experiments;
            if asked.is_empty() || asked.contains(&experiment.name) {
                all.extend(reader.progress(&experiment.name)?.map(|it| (experiment.name, it)));
            }
        }
        self.watched
            .extend(all.iter().filter(|(_, it)| is_going(it)).map(|(name, _)| name.clone()));
        let last = all.iter().map(|(_, it)| last_moment(it)).max().unwrap_or_default().to_owned();
        let nothing_goes = !all.iter().any(|(_, it)| is_going(it));
        all.retain(|(name, it)| {
            let was_left = self.watched.contains(name) && is_unfinished(it);
            is_going(it) || was_left || nothing_goes && last_moment(it) == last
        });
        Ok(all)
    }
}

/// Whether all that goes on is over soon, as far as that is known yet: where nothing was trained it is expected for some time.
fn ends_soon(progress: &[(String, Progress)]) -> bool {
    let now = SystemTime::now();
    let soon = |it: &Progress| match left(it, now) {
        Some(left) => left <= spread(LONGEST_PAUSE),
        None => it.work.is_some() && spent(it, now) <= spread(LONG_REST),
    };
    progress.iter().filter(|(_, it)| is_going(it)).all(|(_, it)| soon(it))
}

/// The page where there is nothing to show.
fn nothing() -> Parts {
    render::html::followed(&Page::empty())
        .map_or_else(|_| Parts::default(), |page| Parts::of(&page))
}

/// When the files of a store were written to, and how long they are.
#[derive(Debug, PartialEq)]
struct Stamp([Option<(SystemTime, u64)>; 3]);

impl Stamp {
    fn of(results: &Path) -> Self {
        let look = |ending| {
            let file = std::fs::metadata(results.join(format!("{DATABASE}{ending}"))).ok()?;
            Some((file.modified().ok()?, file.len()))
        };
        Self(["", "-wal", "-journal"].map(look))
    }

    /// Whether what is written from now on will have another time.
    fn is_settled(&self) -> bool {
        /// Coarser than the clock of any file system that matters.
        const TICK: Duration = Duration::from_millis(50);
        self.0.iter().flatten().all(|(time, _)| time.elapsed().is_ok_and(|age| age > TICK))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tempfile::TempDir;
    use tracking::{Experiment, Invocation, PlannedWork, Store};

    use super::*;

    /// Who has watched a folder since before a sweep of so many trials began there, the first of which has ended.
    fn begun(trials: u32) -> (TempDir, Watcher) {
        let folder = tempfile::tempdir().unwrap();
        let mut watcher = Watcher::new(folder.path(), &ComparisonArgs::default(), Arc::default());
        watcher.look(None);
        let store = Store::open(folder.path()).unwrap();
        let work = Some(PlannedWork { trials, to_run: trials, steps: 0 });
        let about = Experiment { name: "planned".into(), description: String::new() };
        store.declare(&about, Invocation { work, ..Invocation::current() }).unwrap();
        store
            .start_run("planned", &[("seed", 0.into())])
            .unwrap()
            .finish(&[("test_accuracy", 0.9)])
            .unwrap();
        std::thread::sleep(Duration::from_millis(200));
        watcher.progress.pause = Duration::ZERO;
        // It is told of at the second look.
        (0..2).for_each(|_| watcher.look(None));
        assert!(watcher.going() && rows(&watcher) == 0);
        (folder, watcher)
    }

    /// Looks when a longer time is over than the page waits.
    fn look_after_the_pause(watcher: &mut Watcher, ask: Option<&Ask>) {
        let pause = watcher.page.pause + Duration::from_secs(60);
        watcher.page.ended = watcher.page.ended.and_then(|ended| ended.checked_sub(pause));
        watcher.look(ask);
    }

    fn rows(watcher: &Watcher) -> usize {
        watcher.parts.page().matches("<tr data-setting").count()
    }

    #[test]
    fn the_page_of_a_short_sweep_waits_for_its_end_but_once() {
        let (_folder, mut watcher) = begun(2);
        look_after_the_pause(&mut watcher, None);
        assert_eq!(rows(&watcher), 0);
        // It takes longer than it seemed.
        look_after_the_pause(&mut watcher, None);
        assert_eq!(rows(&watcher), 1);
    }

    #[test]
    fn the_page_of_a_long_sweep_does_not_wait_for_its_end() {
        let (_folder, mut watcher) = begun(1_000_000);
        look_after_the_pause(&mut watcher, None);
        assert_eq!(rows(&watcher), 1);
    }

    #[test]
    fn that_a_sweep_begins_is_told_everywhere_and_what_follows_in_turns() {
        // But of one that is over soon, its end.
        assert!(begun(100).1.snapshots.borrow().busy);
        let (folder, mut watcher) = begun(1_000_000);
        assert!(!watcher.snapshots.borrow().busy);
        watcher.progress = Pace::new(PROGRESS_SHARE);
        watcher.look(None);
        assert!(watcher.snapshots.borrow().busy);
        // And that another begins beside it.
        let store = Store::open(folder.path()).unwrap();
        store
            .start_run("another", &[("seed", 0.into())])
            .unwrap()
            .finish(&[("test_accuracy", 0.9)])
            .unwrap();
        watcher.progress = Pace::new(PROGRESS_SHARE);
        watcher.look(None);
        assert!(!watcher.snapshots.borrow().busy);
    }

    #[test]
    fn when_it_ends_the_page_comes_at_once_though_it_takes_long() {
        let (folder, mut watcher) = begun(2);
        watcher.page.took(Duration::from_secs(60), Duration::from_secs(60));
        let database = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
        database.execute("UPDATE invocations SET pid = ?1", [u32::MAX]).unwrap();
        watcher.progress = Pace::new(PROGRESS_SHARE);
        watcher.look(None);
        assert_eq!((watcher.going(), rows(&watcher)), (false, 1));
    }

    #[test]
    fn there_is_a_page_that_follows_before_anything_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::begin(folder.path(), &ComparisonArgs::default()).unwrap();
        let page = &watch.snapshots.borrow().page;
        assert!(
            page.contains("the results are being read") && page.contains("EventSource"),
            "{page}"
        );
    }

    #[test]
    fn a_sweep_that_was_left_is_told_of_beside_another_that_goes_on() {
        let (folder, mut watcher) = begun(3);
        // Its process is gone.
        let database = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
        database.execute("UPDATE invocations SET pid = ?1", [u32::MAX]).unwrap();
        let store = Store::open(folder.path()).unwrap();
        store
            .start_run("another", &[("seed", 0.into())])
            .unwrap()
            .finish(&[("test_accuracy", 0.9)])
            .unwrap();
        let told = |watcher: &mut Watcher| -> Vec<String> {
            watcher.all_progress().unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(told(&mut watcher), ["another", "planned"]);
        // Who comes later is told of what goes on alone.
        let mut later = Watcher::new(folder.path(), &ComparisonArgs::default(), Arc::default());
        assert_eq!(told(&mut later), ["another"]);
    }

    #[test]
    fn who_opens_the_page_of_a_short_sweep_has_it() {
        let (_folder, mut watcher) = begun(2);
        look_after_the_pause(
            &mut watcher,
            Some(&Ask { for_page: true, reply: oneshot::channel().0 }),
        );
        assert_eq!(rows(&watcher), 1);
    }
}
