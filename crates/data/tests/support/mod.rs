//! Shared by unit tests and integration tests: files of datasets, and a server that sends them.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod server;

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

/// An IDX file of unsigned bytes.
pub fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, u8::try_from(dimensions.len()).unwrap()];
    dimensions.iter().for_each(|dimension| file.extend(dimension.to_be_bytes()));
    file.extend(bytes);
    file
}

/// The gzip archive of `bytes`.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
