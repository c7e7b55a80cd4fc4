//! A download as a person sees it: a bar on a terminal, a line elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::fetch::FetchObserver;

/// Shows downloads on stderr.
#[derive(Default)]
pub struct FetchBar {
    bar: Option<ProgressBar>,
}

impl FetchBar {
    /// Shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl FetchObserver for FetchBar {
    fn started(&mut self, file: &str, url: &str, have: u64, total: Option<u64>) {
        if !std::io::stderr().is_terminal() {
            eprintln!("fetching {}", url.escape_debug());
            return;
        }
        let bar = ProgressBar::new(total.unwrap_or(0)).with_position(have).with_message(file.to_owned());
        let template = "{msg:24} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        self.bar = Some(bar);
    }

    fn advanced(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn finished(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn note(&mut self, line: &str) {
        eprintln!("note: {}", line.escape_debug());
    }
}
