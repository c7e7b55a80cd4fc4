//! The commands of the program `data`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use support::server::{Reply, Server};
use tempfile::TempDir;

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
    let cases: [(&[&str], &[&str]); 6] = [
        (
            &["show", "digits", "test", "360"],
            &["error: digits test has no example 360: expected 0 to 359"],
        ),
        (&["info", "mnits"], &["did you mean mnist?", "fashion-mnist"]),
        (&["info", "./nowhere"], &["does not exist"]),
        (
            &["fetch", "kmnist", "--mirror", "example.com"],
            &["'example.com' is not a mirror", "http://"],
        ),
        (&["fetch", "digits", "--mirror", "nonsense"], &["'nonsense' is not a mirror"]),
        (
            &["fetch", "kmnist", "--offline"],
            &["--offline was given", "run the same command with a network", "copy its four files"],
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

#[cfg(feature = "mnist")]
mod embedded_mnist {
    use std::fs;

    use super::*;

    const SHA256: &str = "474311efcf1fd213e64768801dc6195673bffb8385179d6c55cd8748b9e2e8ca";
    /// The archives of MNIST in this repository.
    const ARCHIVES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/mnist");

    /// Copies the archives of MNIST whose names contain `part`.
    fn copy_archives(part: &str, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for file in fs::read_dir(ARCHIVES).unwrap().flatten() {
            let name = file.file_name().into_string().unwrap();
            if name.ends_with(".gz") && name.contains(part) {
                fs::copy(file.path(), folder.join(name)).unwrap();
            }
        }
    }

    #[test]
    fn embedded_mnist_equals_the_tutorial() {
        let server = Server::new(|_| Reply::Status(404));
        let mut call = data(&["info", "mnist", "--mirror", &server.url]);
        let message = call.success();
        let expected = [
            "mnist · compiled into this program",
            "train  60,000 images of 28×28   values 0..255   19.1 % non-zero",
            "test   10,000 images of 28×28",
            "717 of 784 pixels are non-zero in at least one training image",
            SHA256,
            "verified by the checksums in this program",
        ];
        for part in expected {
            assert!(message.contains(part), "expected '{part}' in:\n{message}");
        }
        assert!(!call.cache().exists() && server.requests().is_empty());
        let drawn = data(&["show", "mnist", "train", "0"]).success();
        assert!(
            drawn.ends_with("mnist train 0 · label 5 · one-hot [0 0 0 0 0 1 0 0 0 0]\n"),
            "{drawn}"
        );
        let fetched = data(&["fetch", "mnist", "--offline"]).env("MNIST_DIR", "").success();
        assert!(fetched.starts_with("mnist is compiled into this program: 60,000 + 10,000 images"));
    }

    #[test]
    fn files_in_mnist_dir_and_cache_precede_embedded_mnist() {
        let folder = tempfile::tempdir().unwrap();
        let lacking = data(&["info", "mnist"]).env("MNIST_DIR", folder.path()).failure();
        assert!(lacking.contains("lacks t10k-images-idx3-ubyte") && lacking.contains("MNIST_DIR"));
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
        copy_archives("", folder.path());
        let found = data(&["info", "mnist"]).env("MNIST_DIR", folder.path()).success();
        assert!(found.contains(&format!("mnist · in {}", folder.path().display())), "{found}");

        let mut call = data(&["info", "mnist", "--offline"]);
        let cache = call.cache().join("mnist");
        copy_archives("", &cache);
        assert!(call.success().contains(&format!("mnist · in {}", cache.display())));
    }

    #[test]
    fn wrong_file_in_cache_is_reported_and_kept() {
        let mut call = data(&["info", "mnist", "--offline"]);
        let cache = call.cache().join("mnist");
        copy_archives("labels", &cache);
        assert!(
            call.success().contains("mnist · compiled into this program"),
            "images are missing"
        );
        let wrong = cache.join("t10k-labels-idx1-ubyte.gz");
        fs::copy(cache.join("train-labels-idx1-ubyte.gz"), &wrong).unwrap();
        let bytes = fs::read(&wrong).unwrap();
        assert!(call.failure().contains("t10k-labels-idx1-ubyte.gz: wrong SHA-256"));
        assert_eq!(fs::read(&wrong).unwrap(), bytes);
    }
}
