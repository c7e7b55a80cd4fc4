//! The files and pins that a download leaves in the folder.

use super::*;

#[test]
fn files_are_decompressed_and_pinned() {
    let tiny = Tiny::new();
    let server = Server::with_files(tiny.archives.clone());
    let folder = tempfile::tempdir().unwrap();
    let mut seen = RecordingObserver::default();
    fetch_from(&tiny, &folder.path().join("a/b"), &[&server], &mut seen).unwrap();
    let folder = folder.path().join("a/b");
    assert_eq!(names(&folder), [".lock", "SHA256SUMS", FILES[0], FILES[1], FILES[2], FILES[3]]);
    let sums: String =
        (0..4).map(|i| format!("{}  {}\n", sha256(&[&tiny.plain[i]]), FILES[i])).collect();
    assert_eq!(fs::read_to_string(folder.join("SHA256SUMS")).unwrap(), sums);
    assert_eq!(seen.bytes, tiny.archives.values().map(|archive| archive.len() as u64).sum::<u64>());
    assert_eq!((seen.started.len(), seen.finished, seen.notes), (4, 4, vec![]));
    // Existing files are not requested again.
    fetch_from(&tiny, &folder, &[&server], &mut RecordingObserver::default()).unwrap();
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn sums_file_keeps_lines_of_other_files() {
    let (folder, mine) = (tempfile::tempdir().unwrap(), "abc  my-train-images-idx3-ubyte\n");
    fs::write(folder.path().join("SHA256SUMS"), mine).unwrap();
    for sha256 in ["0".repeat(64), "1".repeat(64)] {
        sums_file::pin(folder.path(), FILES[2], &sha256).unwrap();
        let text = fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
        assert_eq!(text, format!("{mine}{sha256}  {}\n", FILES[2]));
        assert_eq!(sums_file::read(folder.path()).unwrap(), [None, None, Some(sha256), None]);
    }
}

#[test]
fn only_missing_files_are_fetched() {
    let tiny = Tiny::new();
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in FILES.iter().zip(&tiny.plain).take(3) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let server = Server::with_files(tiny.archives.clone());
    fetch_from(&tiny, folder.path(), &[&server], &mut RecordingObserver::default()).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn parallel_downloads_fetch_each_file_once() {
    let tiny = Tiny::new();
    let server = tiny.server(|_, archive| {
        std::thread::sleep(Duration::from_millis(100));
        Reply::File(archive)
    });
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                fetch_from(&tiny, folder.path(), &[&server], &mut RecordingObserver::default())
                    .unwrap()
            });
        }
    });
    assert_eq!(server.requests().len(), 4, "each file is requested once");
}
