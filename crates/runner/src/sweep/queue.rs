//! The groups of a sweep that no worker has claimed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::experiment::group::TrialGroup;
use crate::sweep::progress::Progress;
use crate::sweep::stop::Stop;

/// The time between two claims of groups that other runners are running.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The groups that no worker has claimed. All workers share it.
pub struct Queue<'a> {
    groups: Mutex<Groups<'a>>,
}

struct Groups<'a> {
    /// Not claimed yet.
    ready: VecDeque<TrialGroup<'a>>,
    /// Another runner was running them at the last claim.
    busy: VecDeque<TrialGroup<'a>>,
}

impl<'a> Queue<'a> {
    pub fn new(groups: Vec<TrialGroup<'a>>) -> Self {
        Self { groups: Mutex::new(Groups { ready: groups.into(), busy: VecDeque::new() }) }
    }

    fn locked(&self) -> MutexGuard<'_, Groups<'a>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next group. Waits before it returns a group that was busy.
    pub fn next(&self, progress: &Progress, stop: &Stop) -> Option<TrialGroup<'a>> {
        let ready = self.locked().ready.pop_front();
        if ready.is_some() {
            return ready;
        }
        let busy = self.locked().busy.pop_front()?;
        progress.waiting();
        let begun = Instant::now();
        while begun.elapsed() < RETRY_INTERVAL && !stop.requested() {
            std::thread::sleep(RETRY_INTERVAL / 10);
        }
        Some(busy)
    }

    /// Puts a group back that another runner is running.
    pub fn retry_later(&self, group: TrialGroup<'a>) {
        self.locked().busy.push_back(group);
    }
}
