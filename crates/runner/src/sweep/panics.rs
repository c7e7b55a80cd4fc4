//! What a panic says, kept for the record: a trial that panics fails, and the others go on.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;

thread_local! {
    /// Where this thread panicked last and, with `RUST_BACKTRACE`, how it came there.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what panics say instead of printing it, on the threads that train; elsewhere it is printed as ever.
pub fn keep() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name().is_some() {
            return usual(info);
        }
        let mut kept = info
            .location()
            .map(|at| format!(" at {}:{}", at.file(), at.line()))
            .unwrap_or_default();
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            kept += &format!("\n{trace}");
        }
        LAST.set(Some(kept));
    }));
}

/// The message of a panic that this thread caught, and what [`keep`] kept of it.
pub fn describe(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let kept = LAST.take().unwrap_or_default();
    format!("the program panicked: {}{kept}", message.unwrap_or("without a message"))
}
