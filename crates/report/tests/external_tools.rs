//! Exports, read back by MLflow and TensorBoard themselves.
//!
//! The scripts `external_tools/*_check.py` read every run with the tool and compare each value with
//! the store. The tests need `mlflow` and `tensorboard` in the Python of `target/python`; without
//! them, they print a message and pass. Run them with `--ignored`.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tracking::{LiveRun, Status, Store, Value};

use stores::{Filling, outcome, plausible};

/// The Python with both tools; `None` and a message if they are not installed.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let has = |program: &str| python.with_file_name(program).is_file();
    let found = has("mlflow") && has("tensorboard");
    if !found {
        eprintln!("skipped: target/python has no mlflow or no tensorboard");
    }
    found.then_some(python)
}

/// Runs a script that compares the runs in a tool with the store.
fn check(python: &Path, script: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/external_tools");
    let output = Command::new(python)
        .arg(folder.join(script))
        .args(arguments)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
}

/// Runs `code` with MLflow's client, and `uri` as its argument.
fn run_mlflow_client(python: &Path, code: &str, uri: &str) {
    let code = format!("import sys, mlflow\nclient = mlflow.MlflowClient(sys.argv[1])\n{code}");
    let mut command = Command::new(python);
    command.args(["-c", &code, uri]).stderr(Stdio::null());
    assert!(command.status().unwrap().success(), "{code}");
}

/// Runs of each status, with and without weights, and with names and numbers that not every tool
/// accepts.
fn mixed_results() -> TempDir {
    let mut filling =
        Filling::new("batch_sweep", "How batch size and decay change softmax regression");
    let models = filling.folder.path().join("batch_sweep/models");
    fs::create_dir_all(&models).unwrap();
    for batch in [16, 32, 64] {
        for seed in 0..3 {
            let run = plausible("batch_sweep", batch, 1e-7, seed);
            let weights = run.trial.as_str().repeat(batch as usize);
            fs::write(models.join(format!("{}.safetensors", run.trial)), weights).unwrap();
            filling.record(&run);
        }
    }
    // A second run of a trial: the weights belong to it.
    filling.record(&plausible("batch_sweep", 16, 1e-7, 0));
    for (seed, status) in [(3, Status::Diverged), (4, Status::Failed), (5, Status::Killed)] {
        let mut run = plausible("batch_sweep", 32, 0.0, seed);
        run.status = status;
        run.error = Some("what \"happened\"\n…".into());
        run.results.clear();
        run.epochs.truncate(if status == Status::Failed { 0 } else { 2 });
        filling.record(&run);
    }
    let mut odd = plausible("batch_sweep", 128, 0.0, 0);
    odd.params.push(("kind, \"of\" <b>".into(), Value::from("re lu\u{1}\n😀")));
    odd.params.push(("long".into(), Value::from("x".repeat(7_000))));
    odd.epochs[0].metrics.push(("f1: größe/2".into(), 1e-300));
    odd.results.push(("huge".into(), 1e300));
    odd.results.push(("tiny".into(), -5e-324));
    filling.record(&odd);
    filling.folder
}

/// Number of runs in [`mixed_results`].
const MIXED_RUNS: usize = 14;

/// A running experiment.
struct RunningExperiment {
    store: Store,
    run: Option<LiveRun>,
}

impl RunningExperiment {
    /// Adds an experiment with one running run.
    fn start(results: &Path) -> Self {
        let store = Store::open(results).unwrap();
        let run = store.start_run("growing", &[("depth", 3.into()), ("seed", 0.into())]).unwrap();
        run.log(1, &[("loss", 0.1), ("accuracy", 0.25)]).unwrap();
        wait_for_flush();
        Self { store, run: Some(run) }
    }

    /// Finishes the run and adds five others.
    fn finish(&mut self) {
        let run = self.run.take().unwrap();
        run.log(2, &[("loss", 0.05), ("accuracy", 0.5)]).unwrap();
        run.finish(&[("test_accuracy", 0.75)]).unwrap();
        for depth in 4..9 {
            let params = [("depth", depth.into()), ("rate", 0.1.into())];
            let run = self.store.start_run("growing", &params).unwrap();
            run.log(1, &[("loss", 1.0 / f64::from(depth))]).unwrap();
            run.finish(&[]).unwrap();
        }
        wait_for_flush();
    }
}

/// Waits until logged metrics are in the store, which takes a tenth of a second.
fn wait_for_flush() {
    sleep(Duration::from_millis(300));
}

/// Exports successfully, and returns the text on standard error.
fn export(results: &Path, tool: &str, target: &str) -> String {
    let (code, out, err) = outcome(results, &["export", "--to", tool, target]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    err
}

/// Starts exports and kills each one before or while it writes.
fn export_and_kill(results: &Path, tool: &str, target: &str) {
    for milliseconds in [5, 20, 60, 150, 150, 150, 150] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
        command.arg("-r").arg(results).args(["export", "--to", tool, target]).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        // A server may still execute the last request.
        sleep(Duration::from_millis(300));
    }
}

/// Exports after killed exports, twice, and while the store grows. `check` must always find the
/// content of the store.
fn export_growing_store(tool: &str, target: &str, check: impl Fn(&Path)) {
    let folder = mixed_results();
    let results = folder.path();
    let mut experiment = RunningExperiment::start(results);
    export_and_kill(results, tool, target);
    export(results, tool, target);
    check(results);
    let err = export(results, tool, target);
    assert!(err.contains("0 runs added, 15 unchanged"), "{err}");
    experiment.finish();
    let err = export(results, tool, target);
    assert!(err.contains("5 runs added, 1 completed, 14 unchanged"), "{err}");
    check(results);
    let err = export(results, tool, target);
    assert!(err.contains("0 runs added, 20 unchanged"), "{err}");
}

#[test]
#[ignore = "starts MLflow, which takes a minute or two"]
fn mlflow_reads_an_exported_folder() {
    let Some(python) = python() else { return };
    let out = tempfile::tempdir().unwrap();
    // URIs encode the blank and the percent sign.
    let folder = out.path().join("of 100% MLflow");
    let uri = format!("sqlite:///{}/mlflow.db", folder.display());
    export_growing_store("mlflow", folder.to_str().unwrap(), |results| {
        check(&python, "mlflow_check.py", &[results.to_str().unwrap(), &uri]);
    });
}

/// MLflow's database holds the locations of files. The next export updates them.
#[test]
#[ignore = "starts MLflow, which takes a minute or two"]
fn mlflow_reads_a_moved_folder_after_an_export() {
    let Some(python) = python() else { return };
    let (results, out) = (mixed_results(), tempfile::tempdir().unwrap());
    let (folder, moved) = (out.path().join("folder"), out.path().join("moved"));
    export(results.path(), "mlflow", folder.to_str().unwrap());
    fs::rename(&folder, &moved).unwrap();
    let err = export(results.path(), "mlflow", moved.to_str().unwrap());
    assert!(err.contains(&format!("0 runs added, {MIXED_RUNS} unchanged")), "{err}");
    let uri = format!("sqlite:///{}/mlflow.db", moved.display());
    check(&python, "mlflow_check.py", &[results.path().to_str().unwrap(), &uri]);
}

/// A real MLflow server, stopped at the end of the test.
struct MlflowProcess(Child);

impl MlflowProcess {
    fn start(python: &Path, folder: &Path, port: u16) -> Self {
        let store = format!("sqlite:///{}/mlflow.db", folder.display());
        let mut command = Command::new(python.with_file_name("mlflow"));
        command
            .args(["server", "--workers", "1", "--port", &port.to_string()])
            .args(["--backend-store-uri", &store, "--artifacts-destination"])
            .arg(folder.join("files"))
            .current_dir(folder)
            .process_group(0)
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Self(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(180);
        while ureq::get(format!("http://127.0.0.1:{port}/health")).call().is_err() {
            assert!(Instant::now() < deadline, "the MLflow server does not start");
            sleep(Duration::from_millis(200));
        }
        server
    }
}

impl Drop for MlflowProcess {
    fn drop(&mut self) {
        // The server starts child processes in its process group.
        let _ = Command::new("kill").args(["--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
#[ignore = "starts MLflow, which takes a minute or two"]
fn mlflow_server_serves_exported_runs() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = MlflowProcess::start(&python, folder.path(), port);
    let address = format!("http://127.0.0.1:{port}");
    export_growing_store("mlflow", &address, |results| {
        check(&python, "mlflow_check.py", &[results.to_str().unwrap(), &address]);
    });
    // The export finds a renamed experiment by its tag.
    let results = mixed_results();
    export(results.path(), "mlflow", &address);
    let rename = "experiment = client.get_experiment_by_name('batch_sweep')
client.rename_experiment(experiment.experiment_id, 'ours')";
    run_mlflow_client(&python, rename, &address);
    let err = export(results.path(), "mlflow", &address);
    assert!(err.contains(&format!("0 runs added, {MIXED_RUNS} unchanged")), "{err}");
}

#[test]
#[ignore = "starts TensorBoard, which takes a minute or two"]
fn tensorboard_reads_an_exported_folder() {
    let Some(python) = python() else { return };
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let port = free_port().to_string();
    export_growing_store("tensorboard", folder, |results| {
        check(&python, "tensorboard_check.py", &[results.to_str().unwrap(), folder, &port]);
    });
}

#[test]
#[ignore = "starts MLflow, which takes a minute or two"]
fn export_keeps_changes_of_users_in_mlflow() {
    let Some(python) = python() else { return };
    let (results, out) = (mixed_results(), tempfile::tempdir().unwrap());
    let folder = out.path().to_str().unwrap();
    export(results.path(), "mlflow", folder);
    let uri = format!("sqlite:///{folder}/mlflow.db");
    let changes = "runs = client.search_runs(['1'], order_by=['attributes.start_time'])
client.rename_experiment('1', 'ours')
client.delete_run(runs[0].info.run_id)
client.update_run(runs[1].info.run_id, name='the good one')
client.log_metric(runs[1].info.run_id, 'opinion', 1.0)";
    run_mlflow_client(&python, changes, &uri);
    let err = export(results.path(), "mlflow", folder);
    assert!(err.contains("0 runs added, 13 unchanged, 1 left deleted"), "{err}");
    run_mlflow_client(&python, "client.delete_experiment('1')", &uri);
    let err = export(results.path(), "mlflow", folder);
    assert!(err.contains(&format!("0 runs added, {MIXED_RUNS} left deleted")), "{err}");
    let advice = "to restore it, run mlflow experiments restore --experiment-id 1";
    assert!(err.contains(advice), "{err}");
}
