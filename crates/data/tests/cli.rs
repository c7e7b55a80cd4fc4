//! The commands of the program `data`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use support::server::{Reply, Server};
use tempfile::TempDir;

const MNIST_SHA256: &str = "474311efcf1fd213e64768801dc6195673bffb8385179d6c55cd8748b9e2e8ca";

/// One call of the program, with an own dataset cache.
struct Call {
    command: Command,
    cache: TempDir,
}

fn data(arguments: &[&str]) -> Call {
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("data").unwrap();
    command.env_remove("MNIST_DIR").env_remove("CANDLE_SWEEP_MIRROR");
    command.args(arguments).arg("--data-dir").arg(cache.path().join("cache"));
    Call { command, cache }
}

impl Call {
    fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    /// Runs the program and returns its stdout.
    fn success(&mut self) -> String {
        String::from_utf8(self.command.assert().success().get_output().stdout.clone()).unwrap()
    }

    /// Runs the program, which must fail, and returns its stderr.
    fn failure(&mut self) -> String {
        let assert = self.command.assert().code(2).stdout("");
        let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(text.lines().count() < 20, "an error fits one screen: {text}");
        text
    }

    fn cache(&self) -> PathBuf {
        self.cache.path().join("cache")
    }
}

#[test]
fn info_describes_digits() {
    let message = data(&["info", "digits"]).success();
    let expected = [
        "digits · compiled into this program",
        "train   1,437 images of 8×8   values 0..255",
        "test      360 images of 8×8",
        "      0     143      35",
        "80510fc9162448f4c8666335357ea127bd14ff20c9a09e20a09f3b8d96ef1ca3  t10k-images-idx3-ubyte",
        "3bc9877e0a54aad3bb39855dd490d3dcf9879613d47155dd32f8604d85503796  the dataset",
        "verified by the checksums in this program",
    ];
    for part in expected {
        assert!(message.contains(part), "expected '{part}' in:\n{message}");
    }
}

#[test]
fn show_draws_image_label_and_one_hot_vector() {
    let drawn = data(&["show", "digits", "train", "0"]).success();
    // load_digits().images[0], with the intensities 0 to 16 in ten shades.
    let expected = "    ::##++
    ##%%++%%::
  ..%%..  **==
  ::**    ====
  ::==    ++==
  ::**    **--
  ..##::++**
    --##++
";
    let (picture, caption) = drawn.split_at(drawn.find("digits").unwrap());
    assert_eq!(caption, "digits train 0 · label 0 · one-hot [1 0 0 0 0 0 0 0 0 0]\n");
    assert_eq!(picture, expected);
}

#[test]
fn wrong_arguments_are_explained() {
    let cases: [(&[&str], &[&str]); 5] = [
        (
            &["show", "digits", "test", "360"],
            &["error: digits test has no example 360: expected 0 to 359"],
        ),
        (&["info", "mnits"], &["did you mean mnist?", "fashion-mnist"]),
        (&["info", "./nowhere"], &["does not exist"]),
        (
            &["fetch", "mnist", "--mirror", "example.com"],
            &["'example.com' is not a mirror", "http://"],
        ),
        (
            &["fetch", "mnist", "--offline"],
            &["--offline was given", "data -- fetch mnist", "copy its four files"],
        ),
    ];
    for (arguments, expected) in cases {
        let started = Instant::now();
        let mut call = data(arguments);
        let message = call.failure();
        assert!(message.starts_with("error: "), "{message}");
        for part in expected {
            assert!(message.contains(part), "expected '{part}' in: {message}");
        }
        assert!(!call.cache().exists(), "an invalid call writes no files");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn mirror_option_overrides_the_variable() {
    let (first, second) =
        (Server::new(|_| Reply::Status(404)), Server::new(|_| Reply::Status(404)));
    let mirrors = format!("{}, {}", first.url, second.url);
    let message = data(&["fetch", "kmnist"]).env("CANDLE_SWEEP_MIRROR", &mirrors).failure();
    assert!(
        message.contains("404") && message.contains(&first.url) && message.contains(&second.url),
        "{message}"
    );
    let third = Server::new(|_| Reply::File(b"something else".to_vec()));
    let message = data(&["fetch", "kmnist", "--mirror", &third.url])
        .env("CANDLE_SWEEP_MIRROR", &mirrors)
        .failure();
    assert!(
        message.contains("wrong MD5 of the archive") && message.contains(&third.url),
        "{message}"
    );
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}

#[test]
fn download_never_writes_to_mnist_dir() {
    let (empty, server) = (tempfile::tempdir().unwrap(), Server::new(|_| Reply::Status(404)));
    let message =
        data(&["info", "mnist", "--mirror", &server.url]).env("MNIST_DIR", empty.path()).failure();
    assert!(
        message.contains("lacks t10k-images-idx3-ubyte") && message.contains("MNIST_DIR"),
        "{message}"
    );
    assert!(server.requests().is_empty() && fs::read_dir(empty.path()).unwrap().next().is_none());
    // An empty variable counts as unset.
    data(&["info", "mnist", "--mirror", &server.url]).env("MNIST_DIR", "").failure();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn closed_pipe_is_not_an_error() {
    let mut call = data(&["info", "digits"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut process = std::process::Command::new(call.command.get_program());
    let status = process
        .args(["info", "digits"])
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert!(status.status.success() && status.stderr.is_empty(), "{status:?}");
    call.success();
}

/// The folder `MNIST_DIR` and its four archives of MNIST, if the variable is set.
fn real_mnist() -> Option<(PathBuf, HashMap<String, Vec<u8>>)> {
    let Some(folder) =
        std::env::var_os("MNIST_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from)
    else {
        println!("skipped: MNIST_DIR is not set");
        return None;
    };
    let archive = |name: &str| Some((name.to_owned(), fs::read(folder.join(name)).ok()?));
    let train = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"];
    let test = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];
    let archives = train.into_iter().chain(test).filter_map(archive).collect();
    Some((folder, archives))
}

#[test]
fn real_mnist_equals_the_tutorial() {
    let Some((folder, _)) = real_mnist() else { return };
    let message = data(&["info", "mnist", "--offline"]).env("MNIST_DIR", &folder).success();
    let expected = [
        "train  60,000 images of 28×28   values 0..255   19.1 % non-zero",
        "test   10,000 images of 28×28",
        "717 of 784 pixels are non-zero in at least one training image",
        MNIST_SHA256,
        "verified",
    ];
    for part in expected {
        assert!(message.contains(part), "expected '{part}' in:\n{message}");
    }
    let drawn = data(&["show", "mnist", "train", "0"]).env("MNIST_DIR", &folder).success();
    assert!(
        drawn.ends_with("mnist train 0 · label 5 · one-hot [0 0 0 0 0 1 0 0 0 0]\n"),
        "{drawn}"
    );
}

#[test]
fn interrupted_download_of_real_mnist_completes() {
    let Some((_, archives)) = real_mnist() else { return };
    if archives.len() < 4 {
        return println!("skipped: MNIST_DIR holds no archives");
    }
    let truncating =
        Server::new(move |request| Reply::Truncated(archives[&request.file].clone(), 4_000_000));
    let mut call = data(&["fetch", "mnist", "--mirror", &truncating.url]);
    let message = call.success();
    assert!(message.contains("60,000 + 10,000 images, verified"), "{message}");
    assert_eq!(
        truncating.ranges("train-images-idx3-ubyte.gz"),
        [None, Some(4_000_000), Some(8_000_000)]
    );
    let message = call.success();
    assert!(message.contains(&*call.cache().to_string_lossy()), "{message}");
    assert_eq!(truncating.requests().len(), 6, "existing files are not fetched again");
    // A changed file is reported and not replaced.
    let labels = call.cache().join("mnist/t10k-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&labels, &bytes).unwrap();
    assert!(call.failure().contains("t10k-labels-idx1-ubyte: wrong SHA-256"));
    assert_eq!(fs::read(&labels).unwrap(), bytes);
}
