//! Requests to stop: SIGINT, SIGTERM, SIGHUP, and SIGUSR1, by which a scheduler announces the end
//! of a job's time. A second SIGINT ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

/// Whether the sweep must stop. Clones share the state.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    requested: Arc<AtomicBool>,
    /// Whether SIGUSR1 requested the stop: the job is to continue in another attempt.
    requeue: Arc<AtomicBool>,
    /// Whether trials have started, so that the sweep must handle the stop.
    started: Arc<AtomicBool>,
}

/// Exit code of a shell for a process that SIGINT ended.
const INTERRUPTED: i32 = 130;
/// Exit code of a sweep that a signal stopped. Running the same command again resumes it.
pub const STOPPED: u8 = 75;
/// Sent when a file would exceed the size limit. Handled, so that the write fails with an error
/// instead of ending the process.
const SIGXFSZ: i32 = 25;

impl Stop {
    /// Listens for signals. Until [`Stop::start`], the first signal ends the program.
    pub fn on_signals() -> Result<Self> {
        let stop = Self::default();
        let failed = "cannot install the handler of SIGINT and SIGTERM";
        if cfg!(target_os = "linux") {
            signal_hook::flag::register_usize(SIGXFSZ, Arc::new(AtomicUsize::new(0)), 1)
                .context(failed)?;
        }
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1]).context(failed)?;
        let shared = stop.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(|signal| shared.handle(signal)))
            .context(failed)?;
        Ok(stop)
    }

    fn handle(&self, signal: i32) {
        self.requeue.fetch_or(signal == SIGUSR1, Ordering::SeqCst);
        if !self.started.load(Ordering::SeqCst) {
            anstream::eprintln!("stopped before any trial started; run the same command again");
            std::process::exit(STOPPED.into());
        }
        if self.requested() && signal == SIGINT {
            std::process::exit(INTERRUPTED);
        }
        self.request();
    }

    /// From now on a signal only requests a stop.
    pub fn start(&self) {
        self.started.store(true, Ordering::SeqCst);
    }

    pub fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Whether SIGUSR1 requested the stop.
    pub fn requeue_requested(&self) -> bool {
        self.requeue.load(Ordering::SeqCst)
    }
}
