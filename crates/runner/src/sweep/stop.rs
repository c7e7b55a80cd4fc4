//! Stopping on SIGINT, SIGTERM, SIGHUP, and SIGUSR1 (a scheduler's word that time is nearly up): the first asks, a second SIGINT leaves at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

/// Whether the sweep was asked to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// Whether it was by who wants it to go on elsewhere: time is up here.
    requeued: Arc<AtomicBool>,
    /// Whether there is anything yet that a stop could leave unfinished.
    under_way: Arc<AtomicBool>,
}

/// Exit code of a shell for a process that SIGINT ended.
const LEFT_AT_ONCE: i32 = 130;
/// Stopped by a signal; run again to go on.
pub const STOPPED: u8 = 75;
/// A file would become larger than the system allows: not a reason to die, but an error of the write.
const SIGXFSZ: i32 = 25;

impl Stop {
    /// Listens to the signals from now on. Before [`Stop::begin`] the first one ends the program.
    pub fn on_signals() -> Result<Self> {
        let stop = Self::default();
        let failed = "the handler of SIGINT and SIGTERM cannot be installed";
        if cfg!(target_os = "linux") {
            signal_hook::flag::register_usize(SIGXFSZ, Arc::new(AtomicUsize::new(0)), 1)
                .context(failed)?;
        }
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1]).context(failed)?;
        let shared = stop.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(|signal| shared.signalled(signal)))
            .context(failed)?;
        Ok(stop)
    }

    fn signalled(&self, signal: i32) {
        self.requeued.fetch_or(signal == SIGUSR1, Ordering::SeqCst);
        if !self.under_way.load(Ordering::SeqCst) {
            anstream::eprintln!("stopped before any trial began; run the same command again");
            std::process::exit(STOPPED.into());
        }
        if self.asked() && signal == SIGINT {
            std::process::exit(LEFT_AT_ONCE);
        }
        self.ask();
    }

    /// From now on a stop is the sweep's to see to.
    pub fn begin(&self) {
        self.under_way.store(true, Ordering::SeqCst);
    }

    /// Asks for a stop.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether SIGUSR1 asked.
    pub fn requeued(&self) -> bool {
        self.requeued.load(Ordering::SeqCst)
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
