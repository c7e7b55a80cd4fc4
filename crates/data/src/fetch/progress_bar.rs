//! Shows downloads on stderr: as a progress bar on a terminal, otherwise as one line per file.

use std::io::{IsTerminal, Write, stderr};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::observer::FetchObserver;
use crate::printable::printable;

/// Shows downloads on stderr.
#[derive(Debug, Default)]
pub struct FetchBar {
    bar: Option<ProgressBar>,
}

impl FetchBar {
    /// Creates an observer that shows nothing until a download starts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Prints a line. Ignores errors, because a closed stderr must not stop the download.
fn print_line(text: &str) {
    let _ = writeln!(stderr(), "{}", printable(text));
}

impl FetchObserver for FetchBar {
    fn started(&mut self, file: &str, url: &str, have: u64, total: Option<u64>) {
        if !stderr().is_terminal() {
            let size = total.map(|total| format!(", {}", HumanBytes(total))).unwrap_or_default();
            let resumed =
                if have > 0 { format!(", resumed at {}", HumanBytes(have)) } else { String::new() };
            return print_line(&format!("fetching {url}{size}{resumed}"));
        }
        let template = "{msg:24} {bar:30} {bytes:>10} of {total_bytes:10} {bytes_per_sec:12} {eta}";
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar =
            ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style);
        bar.set_message(printable(file));
        bar.set_position(have);
        bar.reset_eta();
        self.bar = Some(bar);
    }

    fn advanced(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn finished(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }

    fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(printable(text)),
            None => print_line(text),
        }
    }
}
