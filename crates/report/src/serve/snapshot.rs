//! What all clients are served at a moment.

use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::page::Page;
use crate::render;

/// The page and its progress. Each read of the store publishes a new one.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub page: RenderedPage,
    /// The progress section, as HTML.
    pub progress: String,
    /// When the store was last read for the progress.
    pub progress_read_at: Option<Instant>,
    /// When the page was last up to date.
    pub page_read_at: Option<Instant>,
}

impl Snapshot {
    /// For requests that arrive before the first read ends, which may take long in a large store.
    pub fn before_first_read() -> Self {
        let progress = render::html::progress(&[], false, Some("the results are being read"));
        Self {
            page: RenderedPage::empty(),
            progress: progress.unwrap_or_default(),
            progress_read_at: None,
            page_read_at: None,
        }
    }

    /// The whole page.
    pub fn page_html(&self) -> String {
        self.page.html.replacen(render::html::PROGRESS_SLOT, &self.progress, 1)
    }
}

/// The page without its progress.
#[derive(Debug, Clone)]
pub struct RenderedPage {
    html: Arc<str>,
    /// Weak, because the progress is not part of it.
    pub etag: String,
}

impl RenderedPage {
    pub fn new(html: &str) -> Self {
        let digest = Sha256::digest(html);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { html: html.into(), etag: format!("W/\"{hex}\"") }
    }

    /// The page of a store without runs.
    pub fn empty() -> Self {
        Self::new(&render::html::live(&Page::empty()).unwrap_or_default())
    }
}
