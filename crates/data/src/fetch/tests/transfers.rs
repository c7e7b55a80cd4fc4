//! Interrupted transfers and their resumption.

use super::*;

#[test]
fn interrupted_transfer_resumes() {
    let tiny = Tiny::new();
    let server = tiny.server(|_, archive| Reply::Truncated(archive, 700));
    let folder = tempfile::tempdir().unwrap();
    let mut seen = RecordingObserver::default();
    fetch_from(&tiny, folder.path(), &[&server], &mut seen).unwrap();
    assert_eq!(server.ranges(TRAIN_IMAGES), [None, Some(700), Some(1400), Some(2100)]);
    assert!(seen.notes.iter().all(|note| note.contains("stopped after")), "{:?}", seen.notes);
}

#[test]
fn part_file_of_earlier_call_is_resumed() {
    let tiny = Tiny::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(PART), &tiny.archive()[..1000]).unwrap();
    let server = Server::with_files(tiny.archives.clone());
    let mut seen = RecordingObserver::default();
    fetch_from(&tiny, folder.path(), &[&server], &mut seen).unwrap();
    assert_eq!(server.ranges(TRAIN_IMAGES), [Some(1000)]);
    assert!(seen.started.contains(&(FILES[2].to_owned(), 1000, Some(tiny.archive().len() as u64))));
}

#[test]
fn invalid_part_file_is_fetched_from_the_start() {
    let tiny = Tiny::new();
    let longer = tiny.archive().len() + 10;
    for (part, ranges) in
        [(vec![7; 1000], [Some(1000), None]), (vec![7; longer], [Some(longer), None])]
    {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PART), part).unwrap();
        let server = Server::with_files(tiny.archives.clone());
        fetch_from(&tiny, folder.path(), &[&server], &mut RecordingObserver::default()).unwrap();
        assert_eq!(server.ranges(TRAIN_IMAGES), ranges);
    }
}

#[test]
fn server_without_ranges_sends_the_whole_file() {
    let tiny = Tiny::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(PART), &tiny.archive()[..1000]).unwrap();
    let server = tiny.server(|_, archive| Reply::IgnoreRange(archive));
    fetch_from(&tiny, folder.path(), &[&server], &mut RecordingObserver::default()).unwrap();
    assert_eq!(server.ranges(TRAIN_IMAGES), [Some(1000)]);
}

#[test]
fn transfer_without_progress_fails_and_keeps_part() {
    let tiny = Tiny::new();
    let server = tiny.server(|request, archive| {
        Reply::Truncated(archive, if request.earlier == 0 { 500 } else { 0 })
    });
    let (folder, result) = fetch(&tiny, &[&server]);
    assert!(result.unwrap_err().is_unavailable());
    assert_eq!(server.ranges(TRAIN_IMAGES), [None, Some(500)]);
    // The received bytes remain for the next call.
    assert_eq!(fs::metadata(folder.path().join(PART)).unwrap().len(), 500);
    assert!(!folder.path().join(FILES[2]).exists());
}

#[cfg(feature = "mnist")]
#[test]
fn interrupted_download_of_real_mnist_completes() {
    let entry = crate::KnownDataset::Mnist.entry();
    let archives = entry.archives.unwrap();
    let server = Server::new(move |request| {
        let file = FILES.iter().position(|file| request.file == format!("{file}.gz")).unwrap();
        Reply::Truncated(archives[file].to_vec(), 4_000_000)
    });
    let folder = tempfile::tempdir().unwrap();
    let mirrors = [server.url.clone()];
    let download =
        Download { entry, folder: folder.path(), mirrors: &mirrors, timeout: FIRST_BYTE_TIMEOUT };
    download.run(&mut RecordingObserver::default()).unwrap();
    assert_eq!(server.ranges(TRAIN_IMAGES), [None, Some(4_000_000), Some(8_000_000)]);
    let Pins::Sha256(pins) = entry.pins else { unreachable!() };
    for (file, pin) in FILES.iter().zip(pins) {
        assert_eq!(sha256(&[&fs::read(folder.path().join(file)).unwrap()]), pin);
    }
    download.run(&mut RecordingObserver::default()).unwrap();
    assert_eq!(server.requests().len(), 6, "existing files are not fetched again");
}
