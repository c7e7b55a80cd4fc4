//! Parts of URIs.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// `bytes`, percent-encoded as one segment or value of a URI.
pub fn encoded(bytes: &[u8]) -> String {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encode(bytes, RESERVED).to_string()
}

/// The `file:` URI of an absolute path.
pub fn file_uri(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let segments: Vec<String> = bytes.split(|byte| *byte == b'/').map(encoded).collect();
    format!("file://{}", segments.join("/"))
}
