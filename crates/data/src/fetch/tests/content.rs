//! The verification of downloaded content.

use super::*;

#[test]
fn wrong_content_is_discarded_and_reported() {
    let tiny = Tiny::new();
    let other = gzip(&random_idx(&[91, 5, 5], 256));
    let wrong = tiny.server(move |_, _| Reply::File(other.clone()));
    let (folder, result) = fetch(&tiny, &[&wrong]);
    let error = result.unwrap_err();
    assert!(!error.is_unavailable());
    let message = error.to_string();
    for part in [&wrong.url, "wrong SHA-256", &sha256(&[&tiny.plain[2]]), "--mirror"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(
        !names(folder.path()).iter().any(|name| name.starts_with("train-images")),
        "{:?}",
        names(folder.path())
    );
    // Another mirror may send the right file. An unreachable mirror does not hide the error.
    fetch(&tiny, &[&wrong, &Server::with_files(tiny.archives.clone())]).1.unwrap();
    let absent = Server::new(|_| Reply::Status(404));
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in FILES.iter().zip(&tiny.plain).take(2) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let error =
        fetch_from(&tiny, folder.path(), &[&wrong, &absent], &mut RecordingObserver::default())
            .unwrap_err();
    assert!(!error.is_unavailable());
}

#[test]
fn web_page_is_recognised() {
    let tiny = Tiny::new();
    let portal = Server::new(|_| Reply::File(b"<html>Please log in".to_vec()));
    let error = fetch(&tiny, &[&portal]).1.unwrap_err();
    assert!(error.to_string().contains("web page") && !error.is_unavailable(), "{error}");
}

#[test]
fn md5_pins_archives_in_downloads_and_folders() {
    let tiny = Tiny::pinned(|_, archives| {
        Pins::ArchiveMd5(archives.each_ref().map(|file| leak(md5(file))))
    });
    let (folder, result) = fetch(&tiny, &[&Server::with_files(tiny.archives.clone())]);
    assert_eq!(result.unwrap().verification, Verification::SumsFile);
    // After the download, SHA256SUMS pins the files.
    let mut changed = tiny.plain[2].clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join(FILES[2]), &changed).unwrap();
    let error = tiny.read(folder.path()).unwrap_err();
    assert!(error.to_string().contains("wrong SHA-256"), "{error}");
    // An archive with other content has another MD5.
    let mut archives = tiny.archives.clone();
    archives.insert(TRAIN_IMAGES.to_owned(), gzip(&changed));
    let (_, result) = fetch(&tiny, &[&Server::with_files(archives.clone())]);
    assert!(result.unwrap_err().to_string().contains("wrong MD5"));
    let archive_folder = tempfile::tempdir().unwrap();
    for (name, archive) in archives {
        fs::write(archive_folder.path().join(name), archive).unwrap();
    }
    let error = tiny.read(archive_folder.path()).unwrap_err();
    assert!(error.to_string().contains("wrong MD5"), "{error}");
}

#[test]
fn oversized_file_is_rejected_before_transfer() {
    let tiny = Tiny::new();
    let server = Server::new(|_| Reply::DeclaredLength(1 << 40));
    let error = fetch(&tiny, &[&server]).1.unwrap_err();
    assert!(error.to_string().contains("too large") && !error.is_unavailable(), "{error}");
}
