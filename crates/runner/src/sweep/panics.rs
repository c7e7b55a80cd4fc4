//! Messages of panics: a trial that panics fails with the message, and the other trials continue.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;

thread_local! {
    /// Where this thread last panicked, and its backtrace with `RUST_BACKTRACE`.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

const WORKER: &str = "worker-";

/// The name of a worker thread.
pub fn worker_name(number: usize) -> String {
    format!("{WORKER}{number}")
}

/// Captures panics of worker threads instead of printing them.
pub fn capture() {
    let default_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        if !thread.name().is_some_and(|name| name.starts_with(WORKER)) {
            return default_hook(info);
        }
        let mut details = info
            .location()
            .map(|at| format!(" at {}:{}", at.file(), at.line()))
            .unwrap_or_default();
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            details += &format!("\n{trace}");
        }
        LAST.set(Some(details));
    }));
}

/// The message of a panic that this thread caught, with the details that [`capture`] stored.
pub fn describe(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let details = LAST.take().unwrap_or_default();
    format!("the program panicked: {}{details}", message.unwrap_or("without a message"))
}
