//! Runs of programs that an experiment file names: the newest code, and the logs.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;
mod stores;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use command::Test;
use flate2::Compression;
use flate2::write::GzEncoder;
use stores::{Filling, outcome, plausible};
use tracking::program_files::{RUN_FILE, Stream, log_path, trial_folder};
use tracking::{Run, RunId, Status, TrialId};

const OLD: &str = "3fa92c01a2b4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NEW: &str = "77c0ffee0000bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A run of the program with this digest. The trial id contains the digest; the program began
/// `minutes` after the first one.
fn of_program(digest: &str, minutes: u64, batch: i64, seed: i64) -> Run {
    plausible("wine", batch, 0.0, seed).with(|run| {
        run.trial = TrialId::of(&[
            ("batch", &batch.to_string()),
            ("program", digest),
            ("seed", &seed.to_string()),
        ]);
        run.program_sha256 = (!digest.is_empty()).then(|| digest.to_owned());
        (run.engine, run.dataset, run.dataset_sha256) =
            ("program".into(), String::new(), String::new());
        run.device.clear();
        run.validation = "".into();
        run.started_at += Duration::from_secs(60 * minutes);
    })
}

/// Six runs of an older program, and four of a newer one, which has better results.
fn two_programs() -> Filling {
    let mut filling = Filling::new("wine", "Which batch size?");
    for seed in 0..3 {
        for batch in [16, 32] {
            filling.record(&of_program(OLD, 0, batch, seed));
        }
    }
    for seed in 0..2 {
        for batch in [16, 32] {
            filling.record(&of_program(NEW, 1, batch, seed).with(|run| {
                for (_, value) in &mut run.results {
                    *value += 0.001 + 1e-5 * seed as f64;
                }
            }));
        }
    }
    filling
}

#[test]
fn only_runs_of_the_newest_program_are_compared() {
    let filling = two_programs();
    let (code, out, err) = outcome(filling.folder.path(), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("4 runs, none failed"), "{out}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("Left out: 6 runs of older code (3fa92c01a2b4); compare with `"),
        "{out}"
    );
    assert!(words.contains(" wine@3fa92c01a2b4 wine`."), "{out}");
    let (_, page, _) = outcome(filling.folder.path(), &["html", "-o", "-"]);
    assert!(page.contains("Left out: 6 runs of older code"), "{page}");
    assert!(page.contains("<dt>computed by</dt><dd>program<"), "{page}");
    assert!(page.contains(&format!("<dt>program sha256</dt><dd>{NEW}")), "{page}");
    for format in ["csv", "json"] {
        let (_, out, _) = outcome(filling.folder.path(), &["--format", format]);
        assert!(out.contains("wine") && !out.contains("Left out"), "{out}");
    }
    // A command has no place in a paper.
    let (_, latex, _) = outcome(filling.folder.path(), &["export", "--format", "latex"]);
    assert!(latex.contains("4 runs") && !latex.contains("Left out"), "{latex}");
    let (_, json, _) = outcome(filling.folder.path(), &["--format", "json"]);
    assert!(json.contains("\"runs\": 4"), "{json}");
    let (_, list, _) = outcome(filling.folder.path(), &["list", "-e", "wine", "--format", "csv"]);
    assert_eq!(list.lines().count(), 11, "{list}");
    assert_eq!(list.matches(OLD).count(), 6, "{list}");
    let (_, list, _) = outcome(filling.folder.path(), &["list", "-e", "wine"]);
    assert_eq!(list.matches("   77c0ffee0000   ").count(), 4, "{list}");
}

#[test]
fn newest_run_decides_even_if_it_failed() {
    let mut filling = two_programs();
    // The trial has a result, so that this run is not effective.
    filling.record(&of_program(OLD, 2, 16, 0).with(|run| run.status = Status::Failed));
    let (_, out, _) = outcome(filling.folder.path(), &[]);
    assert!(out.contains("6 runs, none failed"), "{out}");
    assert!(out.contains("Left out: 4 runs of older code (77c0ffee0000)"), "{out}");
}

#[test]
fn runs_without_a_program_count_as_other_code() {
    let mut filling = two_programs();
    filling.record(&of_program("", 0, 64, 0));
    let (_, out, _) = outcome(filling.folder.path(), &[]);
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "Left out: 6 runs of older code (3fa92c01a2b4) and 1 run without a program; compare";
    assert!(words.contains(expected), "{out}");
    filling.record(&of_program("", 2, 64, 1));
    let (_, out, _) = outcome(filling.folder.path(), &[]);
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "Left out: 10 runs of older code (77c0ffee0000, 3fa92c01a2b4); compare";
    assert!(words.contains(expected), "{out}");
    let none = ["--where", "seed=9"];
    let (_, _, err) = outcome(filling.folder.path(), &none);
    assert!(err.contains("(2 runs checked). Left out: 10 runs"), "{err}");
}

#[test]
fn two_programs_are_paired_by_hyperparameters() {
    let filling = two_programs();
    let diff = |left, right| {
        Test::new(filling.folder.path())
            .args(&["diff", left, right])
            .args(&["--maximize", "test_accuracy"])
    };
    for newest in ["wine", "wine@77C0"] {
        let out = diff("wine@3fa9", newest).success();
        assert!(out.contains("left   wine@3fa92c01a2b4 · 6 trials, 6 finished\n"), "{out}");
        assert!(out.contains("4 trials match · 2 only left, 0 only right\n"), "{out}");
        assert!(out.contains("right is better by 0.10"), "{out}");
        assert!(out.contains("program sha256"), "{out}");
    }
    // All runs were made at one commit. Of these, the newest program counts.
    let out = diff("wine@0123", "wine").success();
    assert!(out.contains("left   wine@0123456789ab · 4 trials, 4 finished\n"), "{out}");
    assert!(out.ends_with("all 4 pairs are equal, bit for bit\n"), "{out}");
}

#[test]
fn unknown_version_lists_commits_and_programs() {
    let mut filling = two_programs();
    filling.record(&of_program("0123bb", 2, 16, 0));
    let commit = "0123456789ab (11 runs)";
    let new = "0123bb (1 run)";
    for (operand, error) in [
        (
            "wine@dead",
            format!(
                "no commit or program of 'wine' starts with 'dead': expected one of commits \
                 {commit}, or programs {new}, 77c0ffee0000 (4 runs), 3fa92c01a2b4 (6 runs)"
            ),
        ),
        (
            "wine@0123",
            format!(
                "several commits or programs of 'wine' start with '0123': commits {commit}, or \
                 programs {new}"
            ),
        ),
    ] {
        let test = Test::new(filling.folder.path()).args(&["diff", operand, "wine"]);
        test.stderr(&format!("error: {error}\n")).failure();
    }
}

/// Keeps `text` as the log of a run, as the runner does.
fn keep_log(results: &Path, run: &RunId, stream: Stream, text: &[u8]) {
    let path = log_path(results, "wine", run, stream);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap();
}

#[test]
fn log_of_a_run_is_printed_safely() {
    let mut filling = Filling::new("wine", "");
    let id = filling.record(&of_program(OLD, 0, 16, 0));
    let results = filling.folder.path().to_owned();
    let log = || Test::new(&results).args(&["show", id.as_str(), "--log"]);
    let logs = results.join("wine/logs");
    let absent = format!(
        "run {id} has no log: its program printed nothing, or its files in {} are gone\n",
        logs.display()
    );
    log().stdout("").stderr(&absent).success();

    keep_log(&results, &id, Stream::Stderr, b"warning\n");
    log().stdout("standard error\nwarning\n").success();
    let shown = Test::new(&results).args(&["show", id.as_str()]).success();
    assert!(shown.contains("\n  log              cargo run -p report -- show -r "), "{shown}");
    let text = b"a\tb\x1b[2J\xff\r\n\nlast line";
    keep_log(&results, &id, Stream::Stdout, text);
    let shown = "standard output\na\tb\\u{1b}[2J\u{fffd}\n\nlast line\n\nstandard error\nwarning\n";
    log().stdout(shown).success();

    fs::write(log_path(&results, "wine", &id, Stream::Stderr), "not gzip").unwrap();
    let (code, _, err) = outcome(&results, &["show", id.as_str(), "--log"]);
    assert!(code == 2 && err.starts_with("error: cannot read "), "{err}");
}

#[test]
fn log_of_an_unfinished_run_is_in_its_folder() {
    let mut filling = Filling::new("wine", "");
    let run = of_program(OLD, 0, 16, 0).with(|run| run.status = Status::Killed);
    let id = filling.record(&run);
    let results = filling.folder.path().to_owned();
    let log = || Test::new(&results).args(&["show", id.as_str(), "--log"]);
    let folder = trial_folder(&results, "wine", &run.trial);
    let absent = format!(
        "run {id} has no log: it was killed, and {} has no output of it\n",
        folder.display()
    );
    log().stdout("").stderr(&absent).success();

    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("stdout"), "epoch 1\n").unwrap();
    fs::write(folder.join("stderr"), "").unwrap();
    fs::write(folder.join(RUN_FILE), "another run").unwrap();
    log().stdout("").stderr(&absent).success();
    fs::write(folder.join(RUN_FILE), id.as_str()).unwrap();
    log().stdout("standard output\nepoch 1\n").success();
}

#[test]
fn run_without_a_program_has_no_log() {
    let mut filling = Filling::new("wine", "");
    let id = filling.record(&plausible("wine", 16, 0.0, 0));
    let why = format!("run {id} has no log: it is not a run of [program]\n");
    let log = Test::new(filling.folder.path()).args(&["show", id.as_str(), "--log"]);
    log.stdout("").stderr(&why).success();
}

#[test]
fn show_prints_each_line_of_an_error() {
    let mut filling = Filling::new("wine", "");
    let id = filling.record(&of_program(OLD, 0, 16, 0).with(|run| {
        run.status = Status::Failed;
        run.error = Some("it ended with exit code 1\nValueError: \x1b[2J\n".into());
    }));
    let out = Test::new(filling.folder.path()).args(&["show", id.as_str()]).success();
    let error = "\n  error            it ended with exit code 1\n";
    let rest = format!("{error}{}ValueError: \\u{{1b}}[2J\n", " ".repeat(19));
    assert!(out.contains(&rest), "{out}");
}

#[test]
fn show_names_the_program_and_no_dataset() {
    let mut filling = Filling::new("wine", "");
    let id = filling.record(&of_program(OLD, 0, 16, 0));
    let out = Test::new(filling.folder.path()).args(&["show", id.as_str()]).success();
    let made = format!("\nmade\n  engine           program\n  program sha256   {OLD}\n  started ");
    assert!(out.contains(&made), "{out}");
    for absent in ["\ndata\n", "dataset", "device"] {
        assert!(!out.contains(absent), "{out}");
    }
}
