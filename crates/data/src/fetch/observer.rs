//! The interface that reports the progress of a download.

/// Callbacks during a download.
pub trait FetchObserver {
    /// A transfer starts. Of `total` bytes, `have` are present from an earlier transfer.
    fn started(&mut self, file: &str, url: &str, have: u64, total: Option<u64>);
    /// The transfer received this many more bytes.
    fn advanced(&mut self, bytes: u64);
    /// The transfer ended, at the end of the file or before it.
    fn finished(&mut self);
    /// A message for the user.
    fn note(&mut self, line: &str);
}

/// An observer that ignores all callbacks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentFetch;

impl FetchObserver for SilentFetch {
    fn started(&mut self, _: &str, _: &str, _: u64, _: Option<u64>) {}
    fn advanced(&mut self, _: u64) {}
    fn finished(&mut self) {}
    fn note(&mut self, _: &str) {}
}
