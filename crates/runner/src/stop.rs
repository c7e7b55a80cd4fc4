//! Stopping on SIGINT and SIGTERM: the first asks, a second SIGINT leaves at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Whether the sweep was asked to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Exit code of a shell for a process that SIGINT ended.
const LEFT_AT_ONCE: i32 = 130;

impl Stop {
    /// Listens to the signals from now on.
    pub fn on_signals() -> Result<Self> {
        let stop = Self::default();
        let failed = "the handler of SIGINT and SIGTERM cannot be installed";
        // In this order, the first signal finds the flag down and raises it; a second SIGINT finds it up.
        signal_hook::flag::register_conditional_shutdown(SIGINT, LEFT_AT_ONCE, Arc::clone(&stop.0)).context(failed)?;
        signal_hook::flag::register(SIGINT, Arc::clone(&stop.0)).context(failed)?;
        signal_hook::flag::register(SIGTERM, Arc::clone(&stop.0)).context(failed)?;
        Ok(stop)
    }

    /// Asks for a stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
