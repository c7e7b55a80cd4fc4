//! Reads what clients are served, and skips what has not changed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::Result;
use tracking::{DATABASE, Progress, Reader, StoreError};

use super::file_stamp::FileStamp;
use super::poller::Needs;
use super::snapshot::{RenderedPage, Snapshot};
use crate::cli::ComparisonArgs;
use crate::error;
use crate::page::progress::{describe, is_active, is_unfinished, last_event_at, varying};
use crate::page::read::read_page;
use crate::query::store;
use crate::render;

/// What a page depends on. A run whose process dies appears as killed although no file changes.
#[derive(Debug, PartialEq)]
struct PageSource {
    files: FileStamp,
    is_active: bool,
}

/// The store of a results folder between two reads.
#[derive(Debug)]
pub struct StoreWatch {
    results: PathBuf,
    options: ComparisonArgs,
    /// Files at the last read, if a later write must change them.
    files: Option<FileStamp>,
    /// Source of the page, on the same condition.
    page_source: Option<PageSource>,
    page: RenderedPage,
    page_read_at: Option<Instant>,
    /// Why the page is missing or outdated.
    page_error: Option<String>,
    progress: Vec<(String, Progress)>,
    is_active: bool,
    /// By experiment: the hyperparameters that differ between the runs seen so far.
    varying: HashMap<String, BTreeSet<String>>,
    /// Experiments that were active at an earlier read.
    once_active: HashSet<String>,
}

impl StoreWatch {
    pub fn new(results: &Path, options: &ComparisonArgs) -> Self {
        Self {
            results: results.to_owned(),
            options: options.clone(),
            files: None,
            page_source: None,
            page: RenderedPage::empty(),
            page_read_at: None,
            page_error: None,
            progress: Vec::new(),
            is_active: false,
            varying: HashMap::new(),
            once_active: HashSet::new(),
        }
    }

    /// Reads what has changed of what is needed.
    pub fn read(&mut self, needs: Needs) -> Snapshot {
        let now = Instant::now();
        let files = FileStamp::of(&self.results);
        let is_settled = files.is_settled();
        if self.is_active || self.files.as_ref() != Some(&files) {
            self.read_progress();
            self.files = is_settled.then(|| files.clone());
        }
        let source = PageSource { files, is_active: self.is_active };
        let mut is_current = self.page_source.as_ref() == Some(&source);
        if needs == Needs::Page && !is_current {
            self.read_page();
            self.page_source = is_settled.then_some(source);
            is_current = true;
        }
        if is_current {
            self.page_read_at = Some(now);
        }
        Snapshot {
            page: self.page.clone(),
            progress: self.render_progress(),
            progress_read_at: Some(now),
            page_read_at: self.page_read_at,
        }
    }

    /// Replaces the page. If the store cannot be read, the page stays and the error is shown.
    fn read_page(&mut self) {
        let rendered = self.page_from_store();
        self.page_error = rendered.as_ref().err().map(error::message);
        match rendered {
            Ok(page) => self.page = page,
            Err(_) if !self.results.join(DATABASE).exists() => self.page = RenderedPage::empty(),
            Err(_) => {}
        }
    }

    fn page_from_store(&mut self) -> Result<RenderedPage> {
        let reader = store::open(&self.results)?;
        let (page, answer) = read_page(&reader, &self.results, &self.options)?;
        for (experiment, runs) in &answer.runs {
            let names = self.varying.entry(experiment.name.clone()).or_default();
            names.extend(varying(runs.iter().map(|run| &run.run)));
        }
        Ok(RenderedPage::new(&render::html::live(&page)?))
    }

    fn read_progress(&mut self) {
        self.progress = self.progress_from_store().unwrap_or_default();
        let was_active = self.is_active;
        self.is_active = self.progress.iter().any(|(_, progress)| is_active(progress));
        if self.is_active && !was_active {
            // A new sweep replaces the advice to run one.
            self.page_error = None;
        }
        for (name, progress) in &self.progress {
            let names = self.varying.entry(name.clone()).or_default();
            names.extend(varying(progress.running.iter().chain(&progress.latest)));
        }
    }

    /// Progress of the active experiments and of those that stopped unfinished since the start of
    /// this process. If none is active, also of the experiment with the last event.
    fn progress_from_store(&mut self) -> Result<Vec<(String, Progress)>, StoreError> {
        let reader = Reader::open(&self.results)?;
        let wanted = &self.options.experiments;
        let mut all = Vec::new();
        for experiment in reader.experiments()? {
            if wanted.is_empty() || wanted.contains(&experiment.name) {
                let progress = reader.progress(&experiment.name)?;
                all.extend(progress.map(|progress| (experiment.name, progress)));
            }
        }
        let active = all.iter().filter(|(_, progress)| is_active(progress));
        self.once_active.extend(active.map(|(name, _)| name.clone()));
        let any_active = all.iter().any(|(_, progress)| is_active(progress));
        let last = all.iter().map(|(_, progress)| last_event_at(progress)).max();
        let last = last.unwrap_or_default().to_owned();
        all.retain(|(name, progress)| {
            let is_stopped = self.once_active.contains(name) && is_unfinished(progress);
            is_active(progress) || is_stopped || !any_active && last_event_at(progress) == last
        });
        Ok(all)
    }

    fn render_progress(&self) -> String {
        let now = SystemTime::now();
        let none = BTreeSet::new();
        let experiments = self.progress.iter().map(|(name, progress)| {
            describe(name, progress, self.varying.get(name).unwrap_or(&none), now)
        });
        let experiments: Vec<_> = experiments.collect();
        render::html::progress(&experiments, self.is_active, self.page_error.as_deref())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tempfile::TempDir;
    use tracking::{Experiment, Invocation, PlannedWork, Store};

    use super::*;

    /// A store whose sweep of three trials has finished one, and a watch on it.
    fn one_of_three() -> (TempDir, StoreWatch) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let work = Some(PlannedWork { trials: 3, to_run: 3, steps: 0 });
        let experiment = Experiment { name: "planned".into(), description: String::new() };
        store.declare(&experiment, Invocation { work, ..Invocation::current() }).unwrap();
        finish_run(&store, "planned");
        let watch = StoreWatch::new(folder.path(), &ComparisonArgs::default());
        (folder, watch)
    }

    fn finish_run(store: &Store, experiment: &str) {
        let run = store.start_run(experiment, &[("seed", 0.into())]).unwrap();
        run.finish(&[("test_accuracy", 0.9)]).unwrap();
    }

    /// Gives each invocation a pid that no process has.
    fn end_processes(folder: &TempDir) {
        let database = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
        database.execute("UPDATE invocations SET pid = ?1", [u32::MAX]).unwrap();
    }

    fn rows(snapshot: &Snapshot) -> usize {
        snapshot.page_html().matches("<tr data-setting").count()
    }

    #[test]
    fn progress_request_does_not_make_the_page() {
        let (_folder, mut watch) = one_of_three();
        let snapshot = watch.read(Needs::Progress);
        assert!(snapshot.progress.contains("1 of 3 trials"), "{}", snapshot.progress);
        assert_eq!((rows(&snapshot), snapshot.page_read_at), (0, None));
        assert_eq!(rows(&watch.read(Needs::Page)), 1);
    }

    #[test]
    fn end_of_a_process_is_seen_and_outdates_the_page() {
        let (folder, mut watch) = one_of_three();
        assert!(watch.read(Needs::Page).progress.contains("data-active"));
        end_processes(&folder);
        let snapshot = watch.read(Needs::Page);
        assert!(!snapshot.progress.contains("data-active"), "{}", snapshot.progress);
        assert!(snapshot.progress.contains("no runner is active"), "{}", snapshot.progress);
    }

    #[test]
    fn stopped_sweep_is_shown_beside_an_active_one() {
        let (folder, mut watch) = one_of_three();
        watch.read(Needs::Progress);
        end_processes(&folder);
        finish_run(&Store::open(folder.path()).unwrap(), "another");
        let names = |watch: &mut StoreWatch| -> Vec<String> {
            watch.read(Needs::Progress);
            watch.progress.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&mut watch), ["another", "planned"]);
        // A server that starts later shows the active one only.
        let mut later = StoreWatch::new(folder.path(), &ComparisonArgs::default());
        assert_eq!(names(&mut later), ["another"]);
    }

    #[test]
    fn page_is_complete_before_the_first_read() {
        let page = Snapshot::before_first_read().page_html();
        assert!(page.contains("the results are being read"), "{page}");
        assert!(page.contains("fetch(") && page.ends_with("</html>"), "{page}");
    }
}
