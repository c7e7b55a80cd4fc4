//! Bad input: one screen that names the place and what to do, exit code 2, nothing written.
#![allow(clippy::unwrap_used)]

mod common;

use common::Folder;

/// Experiment file, and what its error must say.
const BAD: &[(&str, &str, &[&str])] = &[
    (
        "unknown key",
        "[train]\nbach_size = 3\n",
        &["unknown key 'bach_size'", "bad.toml:4:1", "did you mean 'batch_size'"],
    ),
    ("unknown section", "[sweeep]\n", &["unknown key 'sweeep'", "did you mean 'sweep'"]),
    (
        "wrong type",
        "[train]\nbatch_size = \"32\"\n",
        &["wrong type", "bad.toml:4:14", "expected an integer, found a string"],
    ),
    ("float for integer", "[train]\nepochs = 5.5\n", &["expected an integer, found a float"]),
    ("empty list", "[sweep]\nbatch_size = []\n", &["sweeps over nothing", "at least one value"]),
    ("duplicate", "[sweep]\nbatch_size = [16, 32, 16]\n", &["has a value twice", "bad.toml:4:23"]),
    ("duplicate number", "[sweep]\ndecay = [0.1, 1e-1]\n", &["has a value twice"]),
    (
        "not a number",
        "[train]\nlearning_rate = nan\n",
        &["out of range", "a finite number above 0"],
    ),
    ("infinity", "[train]\nlearning_rate = inf\n", &["out of range"]),
    ("negative decay", "[train]\ndecay = -0.1\n", &["out of range", "0 or more", "-0.1"]),
    ("zero batch", "[train]\nbatch_size = 0\n", &["out of range", "from 1 to"]),
    (
        "huge batch",
        "[train]\nbatch_size = 5000\n",
        &["larger than the training set", "at most 1437"],
    ),
    (
        "fixed and swept",
        "[train]\nseed = 1\n[sweep]\nseed = [1, 2]\n",
        &["both fixed in [train] and swept", "only one"],
    ),
    ("no value", "[train\n", &["not valid TOML", "bad.toml:3"]),
    ("duplicate key", "[train]\nseed = 1\nseed = 2\n", &["not valid TOML", "duplicate key"]),
    (
        "endless range",
        "[sweep]\nseed = { from = 0, to = 9, step = 0 }\n",
        &["never ends", "a step of 1 or more"],
    ),
    ("backward range", "[sweep]\nseed = { from = 9, to = 0 }\n", &["never ends"]),
    ("long range", "[sweep]\nseed = { from = 0, to = 9000000000000000000 }\n", &["too long"]),
    (
        "log of zero",
        "[sweep]\ndecay = { from = 0, to = 1, count = 3, scale = \"log\" }\n",
        &["starts above 0"],
    ),
    (
        "too many",
        "[sweep]\nseed = { from = 0, to = 999 }\nepochs = { from = 1, to = 1000 }\n",
        &["too many trials"],
    ),
    (
        "unknown metric",
        "[metrics]\nrank = \"test_acuracy\"\n",
        &[
            "'rank' does not know \"test_acuracy\"",
            "bad.toml:4:8",
            "did you mean \"test_accuracy\"?",
        ],
    ),
    (
        "unknown replicate",
        "[metrics]\nreplicate = \"sed\"\n",
        &["did you mean \"seed\"?", "bad.toml:4:13"],
    ),
    (
        "metric without a list",
        "[metrics]\nminimize = \"wer\"\n",
        &["wrong type", "a list of names of metrics"],
    ),
    (
        "both directions",
        "[metrics]\nminimize = [\"wer\"]\nmaximize = [\"wer\"]\n",
        &["the direction of 'wer' is given twice", "bad.toml:5:13"],
    ),
    (
        "unknown key in [metrics]",
        "[metrics]\nminimise = [\"wer\"]\n",
        &["did you mean 'minimize'?"],
    ),
    ("init", "[train]\ninit = \"ones\"\n", &["\"glorot_uniform\" or \"zeros\""]),
];

const HEAD: &str = "name = \"bad\"\ndata = { dataset = \"digits\" }\n";

#[test]
fn every_fault_is_one_screen_that_names_its_place() {
    let folder = Folder::new();
    for (what, tail, expected) in BAD {
        folder.write("bad.toml", format!("{HEAD}{tail}"));
        let error = folder.run_fails(&["bad.toml"], 2);
        for part in *expected {
            assert!(error.contains(part), "{what}: '{part}' is not in:\n{error}");
        }
        assert!(error.lines().count() < 20, "{what}: more than a screen:\n{error}");
        assert!(!folder.exists("results"), "{what}: something was written");
    }
}

#[test]
fn names_cannot_leave_the_results_folder() {
    let folder = Folder::new();
    for name in ["../up", "", "Name", "a b", ".", "a/b", "\\u001b[31m"] {
        folder.write("bad.toml", format!("name = \"{name}\"\ndata = {{ dataset = \"digits\" }}\n"));
        let error = folder.run_fails(&["bad.toml"], 2);
        assert!(error.contains("a-z 0-9 _ -") && !error.contains('\u{1b}'), "{name}: {error}");
    }
    assert!(!folder.exists("results"));
}

#[test]
fn what_is_no_experiment_file_is_said() {
    let folder = Folder::new();
    folder.write("large.toml", "#".repeat(10 << 20));
    folder.write("latin.toml", b"name = \"a\"\n# caf\xe9\n");
    folder.write("empty.toml", "");
    let cases = [
        ("missing.toml", "cannot be read"),
        (".", "is a folder"),
        ("large.toml", "10485760 bytes"),
        ("latin.toml", "latin.toml:2:6: not UTF-8"),
        ("empty.toml", "has no 'name'"),
    ];
    for (file, expected) in cases {
        let error = folder.run_fails(&[file], 2);
        assert!(error.contains(expected), "{file}: {error}");
    }
}

#[test]
fn an_unknown_dataset_is_pointed_at() {
    let folder = Folder::new();
    folder.write("bad.toml", "name = \"bad\"\ndata = { dataset = \"mnits\" }\n");
    let error = folder.run_fails(&["bad.toml"], 2);
    assert!(error.contains("bad.toml:2:20") && error.contains("mnist"), "{error}");
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let folder = Folder::new();
    folder.write(
        "bad.toml",
        "name = \"bad\"\ndata = { dataset = \"digits\" }\n\"\\u001b[31m\" = 1\n",
    );
    let error = folder.run_fails(&["bad.toml"], 2);
    assert!(error.contains("unknown key") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn a_results_path_that_is_no_folder_is_refused() {
    let folder = Folder::new();
    folder.write("good.toml", HEAD);
    folder.write("file", "");
    assert!(folder.run_fails(&["good.toml", "-r", "file"], 2).contains("cannot be used"));
    assert!(folder.run_fails(&["good.toml", "-r", "/proc/nowhere"], 2).contains("cannot be used"));
}

#[test]
fn overrides_are_checked_like_the_file() {
    let folder = Folder::new();
    folder.write("good.toml", HEAD);
    for (set, expected) in [
        ("train.batch_size=0", "--set:1:18"),
        ("train.init=zeros", "not valid TOML"),
        ("train.bach_size=1", "did you mean 'batch_size'"),
        ("nonsense", "not valid TOML"),
    ] {
        let error = folder.run_fails(&["good.toml", "--set", set], 2);
        assert!(error.contains(expected), "{set}: {error}");
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn cuda_without_the_feature_says_how_to_build_it() {
    let folder = Folder::new();
    folder.write("good.toml", HEAD);
    assert!(folder.run_fails(&["good.toml", "--device", "cuda"], 2).contains("--features cuda"));
}

#[test]
fn two_experiments_of_one_name_are_refused() {
    let folder = Folder::new();
    folder.write("a.toml", HEAD);
    folder.write("b.toml", HEAD);
    assert!(folder.run_fails(&["a.toml", "b.toml"], 2).contains("'bad'"));
}
