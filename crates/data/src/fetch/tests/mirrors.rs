//! The choice of mirrors, redirects and time limits.

use super::*;

#[test]
fn failing_mirror_is_replaced_by_the_next() {
    let tiny = Tiny::new();
    for status in [404, 500, 503] {
        let (bad, good) = (
            Server::new(move |_| Reply::Status(status)),
            Server::with_files(tiny.archives.clone()),
        );
        fetch(&tiny, &[&bad, &good]).1.unwrap();
        let (folder, result) = fetch(&tiny, &[&bad]);
        let error = result.unwrap_err();
        assert!(
            error.is_unavailable() && error.to_string().contains(&status.to_string()),
            "{error}"
        );
        assert_eq!(
            bad.requests().len(),
            1 + 1,
            "a working mirror moves to the front; without one, the first failure ends the download"
        );
        assert_eq!(names(folder.path()), [".lock"]);
    }
}

#[test]
fn redirects_are_followed_within_the_mirror_only() {
    let tiny = Tiny::new();
    let redirecting = tiny.server(|request, archive| match request.earlier {
        0 => Reply::Redirect(format!("/elsewhere/{TRAIN_IMAGES}")),
        _ => Reply::File(archive),
    });
    fetch(&tiny, &[&redirecting]).1.unwrap();

    let other_server = Server::with_files(tiny.archives.clone());
    let to = format!("{}{TRAIN_IMAGES}", other_server.url);
    let redirecting_away = tiny.server(move |_, _| Reply::Redirect(to.clone()));
    let error = fetch(&tiny, &[&redirecting_away]).1.unwrap_err();
    assert!(
        error.is_unavailable() && error.to_string().contains("not a configured mirror"),
        "{error}"
    );
    assert!(other_server.requests().is_empty());

    let circular = tiny.server(|_, _| Reply::Redirect(format!("/sets/{TRAIN_IMAGES}")));
    assert!(fetch(&tiny, &[&circular]).1.unwrap_err().to_string().contains("more than 4 times"));
}

#[test]
fn silent_mirror_times_out() {
    assert!(FIRST_BYTE_TIMEOUT <= Duration::from_secs(8));
    let tiny = Tiny::new();
    let (silent, also_silent) = (Server::new(|_| Reply::Silence), Server::new(|_| Reply::Silence));
    let started = Instant::now();
    let error = fetch(&tiny, &[&silent, &also_silent]).1.unwrap_err();
    assert!(error.is_unavailable() && error.to_string().contains("no answer within"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // A mirror that answers is used, and comes first for the remaining files.
    let (silent, good) =
        (Server::new(|_| Reply::Silence), Server::with_files(tiny.archives.clone()));
    fetch(&tiny, &[&silent, &good]).1.unwrap();
    assert_eq!((silent.requests().len(), good.requests().len()), (1, 4));
}

#[test]
fn refused_connection_means_unavailable() {
    let tiny = Tiny::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut unreachable = Server::new(|_| Reply::Silence);
    unreachable.url = format!("http://{closed}");
    let error = fetch(&tiny, &[&unreachable]).1.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(error.to_string().contains("run the same command with a network"), "{error}");
}
