//! Event files of TensorBoard.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use tracking::Store;

use crate::results::{export, files, results_with};

/// The events of a file. Checks the checksums of each record without the code of the exporter.
fn events(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at_checked(count)?;
        bytes = rest;
        Some(taken)
    };
    let mut found = Vec::new();
    while let Some(length) = take(8) {
        assert_eq!(take(4).unwrap(), masked_crc(length).to_le_bytes());
        let data = take(u64::from_le_bytes(length.try_into().unwrap()) as usize).unwrap();
        assert_eq!(take(4).unwrap(), masked_crc(data).to_le_bytes());
        found.push(data);
    }
    found
}

/// CRC-32C computed bit by bit from its polynomial, with the mask of `masked_crc32c` in
/// TensorFlow's `lib/hash/crc32c.h`.
fn masked_crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[test]
fn damaged_event_files_are_restored() {
    let (results, out) = (results_with(3), tempfile::tempdir().unwrap());
    export(&results, "tensorboard", out.path(), &[]);
    let first = files(out.path());
    for (path, bytes) in &first {
        // The version, the start and the end; five metrics of five epochs; five final metrics, of
        // which the last epoch has none.
        assert_eq!(events(bytes).len(), 3 + 25 + 5, "{}", path.display());
    }
    let err = export(&results, "tensorboard", out.path(), &[]);
    assert!(err.starts_with("0 runs added, 3 unchanged"), "{err}");
    let paths: Vec<&PathBuf> = first.keys().collect();
    fs::write(paths[0], &first[paths[0]][..500]).unwrap();
    fs::write(paths[1], "something else").unwrap();
    fs::remove_file(paths[2]).unwrap();
    let err = export(&results, "tensorboard", out.path(), &[]);
    assert!(err.starts_with("1 run added, 2 completed"), "{err}");
    assert_eq!(files(out.path()), first);
}

/// A TensorBoard that follows a file reads only what is appended to it.
#[test]
fn events_of_a_running_run_are_appended() {
    let (results, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(results.path()).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into())]).unwrap();
    let mut before = Vec::new();
    for epoch in 1..=3 {
        run.log(epoch, &[("loss", 1.0 / f64::from(epoch)), ("seconds", 0.5)]).unwrap();
        // A logged epoch is in the store after a tenth of a second.
        sleep(Duration::from_millis(300));
        export(&results, "tensorboard", out.path(), &[]);
        let (_, bytes) = files(out.path()).pop_first().unwrap();
        assert!(bytes.len() > before.len() && bytes.starts_with(&before));
        before = bytes;
    }
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    export(&results, "tensorboard", out.path(), &[]);
    let (_, bytes) = files(out.path()).pop_first().unwrap();
    assert!(bytes.starts_with(&before));
    // The version and the start; two metrics of three epochs; accuracy, time and end.
    assert_eq!(events(&bytes).len(), 2 + 6 + 3);
}
