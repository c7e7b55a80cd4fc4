//! A file of images or labels, compressed or not, matches its header or gives an error.
#![no_main]

use data::idx::{Kind, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    for kind in [Kind::Images, Kind::Labels] {
        if let Ok(idx) = decode(file, kind) {
            assert_eq!(idx.bytes.len(), idx.dimensions.iter().product::<usize>());
            assert!(!idx.bytes.is_empty());
        }
    }
});
