//! Invalid input: an error of one screen that names the place and what to do, exit code 2, and no
//! output files.

use crate::common::Sweep;

const HEAD: &str = "name = \"bad\"\ndata = { dataset = \"digits\" }\n";

/// Lines that follow [`HEAD`] in a file. Each has one mistake.
const INVALID: &[&str] = &[
    "[train]\nbach_size = 3\n",
    "[sweeep]\n",
    "\"\\u001b[31m\" = 1\n",
    "[train]\nbatch_size = \"32\"\n",
    "[train]\nepochs = 5.5\n",
    "[train]\nlearning_rate = nan\n",
    "[train]\nlearning_rate = inf\n",
    "[train]\ndecay = -0.1\n",
    "[train]\nbatch_size = 0\n",
    "[train]\nbatch_size = 5000\n",
    "[train]\ninit = \"ones\"\n",
    "[train\n",
    "[train]\nseed = 1\nseed = 2\n",
    "[train]\nseed = 1\n[sweep]\nseed = [1, 2]\n",
    "[sweep]\nbatch_size = []\n",
    "[sweep]\nbatch_size = [16, 32, 16]\n",
    "[sweep]\ndecay = [0.1, 1e-1]\n",
    "[sweep]\nseed = { from = 0, to = 9, step = 0 }\n",
    "[sweep]\nseed = { from = 9, to = 0 }\n",
    "[sweep]\nseed = { from = 0, to = 9000000000000000000 }\n",
    "[sweep]\ndecay = { from = 0, to = 1, count = 3, scale = \"log\" }\n",
    "[sweep]\ndecay = { from = 0, to = 1 }\n",
    "[sweep]\ndecay = { from = 1, to = 1, count = 3 }\n",
    "[sweep]\nseed = { from = 0, to = 2, count = 3 }\n",
    "[sweep]\nseed = { from = 0, to = 999 }\nepochs = { from = 1, to = 1000 }\n",
    "sweep = []\n",
    "[sweep]\nsampel = 8\n",
    "[[sweep]]\nseed = [0]\n[[sweep]]\nseed = [0]\nbach_size = [16]\n",
    "[sweep]\nzip = {}\n",
    "[sweep]\nzip = [16, 32]\n",
    "[sweep]\nzip = { batch_size = [16, 32], decay = [0, 0.1, 0.2] }\n",
    "[sweep]\nzip = { batch_size = [16, 16], decay = [0, 0] }\n",
    "[sweep]\nbatch_size = [16]\nzip = { batch_size = [16, 32], decay = [0, 0.1] }\n",
    "[sweep]\nseed = [0, 1]\nexclude = 3\n",
    "[sweep]\nseed = [0, 1]\nexclude = \"seed >\"\n",
    "[sweep]\nseed = [0, 1]\nexclude = [\"seed = 0\", \"batchsize > 16\"]\n",
    "[sweep]\nseed = [0, 1]\nexclude = \"test_accuracy > 0.5\"\n",
    "[sweep]\nseed = [0, 1]\nexclude = \"seed >= 0\"\n",
    "[sweep]\nseed = [0, 1]\nsample = 8\n",
    "[sweep]\nepochs = [1, 2]\nsample = 0\n",
    "[sweep]\nepochs = [1, 2]\nsample = 65537\n",
    "[sweep]\nepochs = [1, 2]\nsample = \"8\"\n",
    "[sweep]\nepochs = [1, 2]\nsampler = \"sobol\"\n",
    "[sweep]\nepochs = [1, 2]\nsample = 8\nsampler = \"sobool\"\n",
    "[sweep]\nepochs = [1, 2]\nsample = 8\nsample_seed = -1\n",
    "[sweep]\nepochs = { from = 0, to = 9 }\nsample = 8\n",
    "[sweep]\nepochs = { from = 1, to = 9, step = 2, scale = \"log\" }\nsample = 8\n",
    "[sweep]\nepochs = { from = 1, to = 9, scale = \"log\" }\n",
    "[metrics]\nrank = \"test_acuracy\"\n",
    "[metrics]\nreplicate = \"sed\"\n",
    "[metrics]\nminimize = \"wer\"\n",
    "[metrics]\nminimize = [\"wer\"]\nmaximize = [\"wer\"]\n",
    "[metrics]\nminimise = [\"wer\"]\n",
];

#[test]
fn each_invalid_setting_has_an_error_of_one_screen() {
    let sweep = Sweep::empty();
    let mut errors = Vec::new();
    for tail in INVALID {
        sweep.write("bad.toml", format!("{HEAD}{tail}"));
        let error = sweep.runner("bad.toml").exits(2).stderr_lacks("\u{1b}").stderr;
        assert!(error.lines().count() < 20, "more than a screen:\n{error}");
        assert!(!sweep.exists("results"), "the program wrote a file after:\n{error}");
        errors.push(error);
    }
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn names_cannot_leave_the_results_folder() {
    let sweep = Sweep::empty();
    for name in ["../up", "", "Name", "a b", ".", "a/b", "\\u001b[31m"] {
        sweep.write("bad.toml", HEAD.replace("\"bad\"", &format!("\"{name}\"")));
        let run = sweep.runner("bad.toml").exits(2);
        run.stderr_contains("a-z 0-9 _ -").stderr_lacks("\u{1b}");
    }
    assert!(!sweep.exists("results"));
}

#[test]
fn file_that_is_no_experiment_is_rejected() {
    let sweep = Sweep::empty();
    sweep.write("large.toml", "#".repeat(10 << 20));
    sweep.write("latin.toml", b"name = \"a\"\n# caf\xe9\n");
    sweep.write("empty.toml", "");
    for (file, message) in [
        ("missing.toml", "cannot be read"),
        (".", "is a folder"),
        ("large.toml", "10485760 bytes"),
        ("latin.toml", "latin.toml:2:6: not UTF-8"),
        ("empty.toml", "has no 'name'"),
    ] {
        sweep.runner(file).exits(2).stderr_contains(message);
    }
}

#[test]
fn unknown_dataset_suggests_nearest() {
    let sweep = Sweep::new("bad.toml", &HEAD.replace("digits", "mnits"));
    let run = sweep.runner("bad.toml").exits(2);
    run.stderr_contains("bad.toml:2:20").stderr_contains("did you mean mnist?");
    let fallback = "\"mnist\", offline_fallback = \"digit\"";
    sweep.write("bad.toml", HEAD.replace("\"digits\"", fallback));
    let run = sweep.runner("bad.toml --plan").exits(2);
    run.stderr_contains("bad.toml:2:48").stderr_contains("did you mean digits?");
}

#[test]
fn results_path_that_is_no_folder_is_rejected() {
    let sweep = Sweep::new("good.toml", HEAD);
    sweep.write("file", "");
    sweep.runner("good.toml -r file").exits(2).stderr_is(
        "error: cannot use the results folder file: it is a file; \
         choose another folder with --results DIR\n",
    );
    let absent = sweep.runner("good.toml -r /proc/nowhere").exits(2);
    absent.stderr_contains("cannot use");
}

#[test]
fn overrides_are_checked_like_the_file() {
    let sweep = Sweep::new("good.toml", HEAD);
    for (setting, message) in [
        ("train.batch_size=0", "--set:1:18"),
        ("train.init=zeros", "not valid TOML"),
        ("train.bach_size=1", "did you mean 'batch_size'"),
        ("nonsense", "not valid TOML"),
    ] {
        sweep.runner("good.toml").set(setting).exits(2).stderr_contains(message);
    }
}

#[test]
fn fused_engine_rejects_cuda() {
    let sweep = Sweep::new("good.toml", HEAD);
    sweep.runner("good.toml --engine fused --device cuda").exits(2).stderr_is(
        "error: the fused engine runs only on the CPU, not on cuda: \
         use --device cpu or --engine autograd\n",
    );
    assert!(!sweep.exists("results"));
}

#[cfg(not(feature = "cuda"))]
#[test]
fn cuda_without_the_feature_names_the_build_command() {
    let sweep = Sweep::new("good.toml", HEAD);
    sweep.runner("good.toml --device cuda").exits(2).stderr_contains("--features cuda");
}

#[test]
fn two_experiments_with_one_name_are_rejected() {
    let sweep = Sweep::new("a.toml", HEAD);
    sweep.write("b.toml", HEAD);
    sweep.runner("a.toml b.toml").exits(2).stderr_contains("'bad'");
}
