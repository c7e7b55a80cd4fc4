//! How often something is done beside a sweep that it is not to slow down.

use std::time::{Duration, Instant};

/// Progress is told at most so often: a run is to be seen within two seconds, and no sooner than need be, for pages that are painted
/// anew cost a sweep more than all the rest.
pub const PAUSE: Duration = Duration::from_millis(1400);
/// What takes longer and longer, takes so many times what it took before.
const GROWTH: u32 = 4;

/// What takes so many seconds of one core's time where all cores share in it.
pub fn spread(core_seconds: u32) -> Duration {
    let cores =
        std::thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok());
    Duration::from_secs(core_seconds.into()) / cores.unwrap_or(1)
}

/// Something that is done again and again, but takes a small part of the time only.
pub struct Pace {
    pub due: bool,
    pub ended: Option<Instant>,
    /// How long it waits after that: longer and longer while there is always something to do,
    pub pause: Duration,
    /// and at least so long.
    fair: Duration,
    share: u32,
    /// Somebody waits for it.
    pub hurried: bool,
}

impl Pace {
    pub fn new(share: u32) -> Self {
        Self {
            due: true,
            ended: None,
            pause: Duration::ZERO,
            fair: Duration::ZERO,
            share,
            hurried: false,
        }
    }

    /// There is something to do: at once, when there was nothing for some time.
    pub fn want(&mut self) {
        if !self.due && self.ended.is_none_or(|ended| ended.elapsed() > 2 * PAUSE) {
            self.pause = Duration::ZERO;
        }
        self.due = true;
    }

    /// Somebody waits: if there is something to do, it waits no longer than it must, this time.
    pub fn hurry(&mut self) {
        self.hurried |= self.due && self.ended.is_none_or(|ended| ended.elapsed() >= PAUSE);
    }

    pub fn has_come(&self) -> bool {
        self.due && self.rest().is_zero()
    }

    /// What is left of the pause.
    pub fn rest(&self) -> Duration {
        let pause = if self.hurried { Duration::ZERO } else { self.pause };
        self.ended
            .map_or(Duration::ZERO, |ended| pause.max(self.fair).saturating_sub(ended.elapsed()))
    }

    pub fn took(&mut self, spent: Duration, longest: Duration) {
        self.due = false;
        self.fair = self.share * spent;
        let growth = if std::mem::take(&mut self.hurried) { 1 } else { GROWTH };
        self.rest_for(if self.pause.is_zero() {
            PAUSE
        } else {
            (growth * self.pause).min(longest)
        });
    }

    /// Ends the pause: there is nobody to be fair to.
    pub fn rest_no_more(&mut self) {
        (self.pause, self.fair) = (Duration::ZERO, Duration::ZERO);
    }

    /// Begins a pause.
    pub fn rest_for(&mut self, pause: Duration) {
        (self.pause, self.ended) = (pause, Some(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_there_is_always_something_to_do_and_end_where_there_was_nothing() {
        let longest = 10 * PAUSE;
        let mut pace = Pace::new(20);
        let mut pauses = Vec::new();
        for _ in 0..4 {
            pauses.push(pace.pause);
            pace.took(Duration::ZERO, longest);
            pace.want();
            assert!(!pace.has_come());
        }
        assert_eq!(pauses, [Duration::ZERO, PAUSE, GROWTH * PAUSE, longest]);
        pace.took(Duration::ZERO, longest);
        pace.ended = Some(Instant::now() - 3 * PAUSE);
        pace.want();
        assert!(pace.has_come());
    }

    #[test]
    fn who_waits_does_not_wait_for_the_usual_time_but_for_the_machines() {
        let mut pace = Pace::new(20);
        pace.took(PAUSE, PAUSE);
        pace.rest_for(20 * PAUSE);
        pace.want();
        pace.ended = Some(Instant::now() - 2 * PAUSE);
        pace.hurry();
        assert!(!pace.has_come(), "it takes more than its share");
        pace.fair = PAUSE;
        assert!(pace.has_come());
        pace.took(Duration::ZERO, 100 * PAUSE);
        assert_eq!(pace.pause, 20 * PAUSE, "the usual time is what it was");
    }
}
