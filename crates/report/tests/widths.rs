//! Tables and sentences in terminals of any width.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::path::Path;

use stores::{Filling, plausible};
use tempfile::TempDir;
use tracking::{Reader, TrialId, Value};
use unicode_width::UnicodeWidthStr;

const NAMES: [&str; 6] = [
    "weight_decay_of_the_embedding_layer",
    "batch_size",
    "learning_rate_of_the_encoder",
    "dropout",
    "warmup_steps",
    "label_smoothing",
];

/// Records four settings of the first `keys` of [`NAMES`], with three seeds.
fn results(keys: usize) -> TempDir {
    let mut filling = Filling::new("wide", "How many hyperparameters fit a terminal");
    for setting in 0..4 {
        for seed in 0..3 {
            let mut run = plausible("wide", 16 << setting, 0.0, seed);
            let value = |key: usize| Value::from(10 * i64::try_from(key + 1).unwrap() + setting);
            run.params = (0..keys).map(|key| (NAMES[key].into(), value(key))).collect();
            run.params.push(("seed".into(), seed.into()));
            run.trial =
                TrialId::of(&[("setting", &setting.to_string()), ("seed", &seed.to_string())]);
            filling.record(&run);
        }
    }
    filling.folder
}

/// The output of `report` with this value of `COLUMNS`.
fn report(results: &Path, columns: &str, arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    let command = command.env("COLUMNS", columns).arg("--results").arg(results).args(arguments);
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

/// The lines of the rows of a table: those with the four settings.
fn rows(out: &str) -> Vec<&str> {
    let first = out.lines().position(|line| line.contains(" ★")).unwrap();
    out.lines().skip(first).take(4).collect()
}

fn widest<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    lines.map(UnicodeWidthStr::width).max().unwrap_or(0)
}

#[test]
fn rows_show_every_key_at_any_width() {
    for keys in [1, 3, 6] {
        let folder = results(keys);
        for width in [1, 40, 60, 80, 100, 120, 200] {
            let out = report(folder.path(), &width.to_string(), &[]);
            for (setting, row) in rows(&out).into_iter().enumerate() {
                let shown = |key: usize| row.contains(&format!(" {} ", 10 * (key + 1) + setting));
                assert!((0..keys).all(shown), "{keys} keys, {width} columns:\n{out}");
            }
        }
    }
}

#[test]
fn difference_to_the_best_is_left_out_last() {
    for keys in [1, 3, 6] {
        let folder = results(keys);
        for width in 40..160 {
            let out = report(folder.path(), &width.to_string(), &[]);
            let has = |cell: &str| rows(&out)[1].contains(cell);
            assert!(has(" to ") || !(has(" s") || has("[")), "{width} columns:\n{out}");
            assert!(has(" to ") || out.contains("distance_to_best"), "{width} columns:\n{out}");
            assert!(!has(" to ") || widest(out.lines()) <= width, "{width} columns:\n{out}");
        }
    }
}

#[test]
fn sentences_and_other_commands_fit_the_width() {
    let folder = results(2);
    let id = Reader::open(folder.path()).unwrap().runs("wide").unwrap()[0].id.clone();
    for width in [40, 60, 80, 100, 120, 200] {
        let columns = width.to_string();
        let out = report(folder.path(), &columns, &[]);
        let sentences = out.lines().skip_while(|line| !line.contains(" ★")).skip(4);
        assert!(widest(sentences) <= width, "{out}");
        let out = report(folder.path(), &columns, &["diff", "wide", "wide"]);
        assert!(widest(out.lines()) <= width.max(60), "{out}");
        assert!(out.contains("all 12 pairs are"), "{out}");
        let out = report(folder.path(), &columns, &["show", id.as_str()]);
        let epochs = out.split("\nepochs\n").nth(1).unwrap().lines().take(7);
        assert!(widest(epochs) <= width, "{out}");
        assert!(out.contains(&format!("  {}   10\n", NAMES[0])), "{out}");
    }
}

#[test]
fn columns_variable_sets_the_width_of_a_pipe() {
    let folder = results(3);
    let usual = report(folder.path(), "100", &[]);
    for invalid in ["", "0", "-3", "wide"] {
        assert_eq!(report(folder.path(), invalid, &[]), usual, "COLUMNS='{invalid}'");
    }
    assert!(usual.contains("left out to fit 100 columns: test_loss, train_accuracy; "), "{usual}");
    let wide = report(folder.path(), "200", &[]);
    assert!(!wide.contains("left out") && wide.contains(" distance to best "), "{wide}");
    assert!(wide.contains(" weight_decay_of_the_embedding_layer "), "{wide}");
}

#[test]
fn columns_all_shows_every_column_at_any_width() {
    let folder = results(3);
    let narrow = report(folder.path(), "60", &[]);
    let note = narrow.split("left out to fit 60 columns: ").nth(1).unwrap();
    let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
    let (names, advice) = note.split_once(';').unwrap();
    assert!(advice.starts_with(" --columns all shows all"), "{advice}");
    let all = report(folder.path(), "60", &["--columns", "all"]);
    let without = report(folder.path(), "60", &["--columns", &names.replace(' ', "")]);
    for out in [all.as_str(), &without] {
        assert!(!out.contains("left out") && out.contains("["), "{out}");
    }
    assert!(all.contains("train") && all.contains("diverged"), "{all}");
    let csv = |arguments: &[&str]| {
        report(folder.path(), "60", &[&["--format", "csv"], arguments].concat())
    };
    assert_eq!(csv(&["--columns", "all"]), csv(&[]));
}

#[test]
fn long_texts_with_the_same_beginning_differ() {
    let mut filling = Filling::new("paths", "");
    for (index, file) in ["first", "second"].into_iter().enumerate() {
        let mut run = plausible("paths", 16 << index, 0.0, 0);
        let path = format!("configurations/of/the/whole/laboratory/{file}.yaml");
        run.params = vec![("config".into(), Value::from(path.as_str()))];
        filling.record(&run);
    }
    let out = report(filling.folder.path(), "40", &[]);
    assert!(
        out.contains("laboratory/first.yaml ") && out.contains("laboratory/second.yaml "),
        "{out}"
    );
}
