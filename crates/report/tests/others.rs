//! Exports as the real tools see them: `others/*_check.py` ask MLflow and TensorBoard for every run, and hold what they say against
//! the store, value by value. Needs Python with `mlflow` and `tensorboard` in `target/python`, and `--ignored`; is skipped, with a
//! word, where they are missing.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tracking::{Status, Store, Value};

use stores::{Filling, outcome, plausible};

/// Python with both tools; none, and a word on standard error, where it is missing.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let has = |module: &str| python.with_file_name(module).is_file();
    let found = has("mlflow") && has("tensorboard");
    if !found {
        eprintln!(
            "skipped: exports were not looked at by MLflow and TensorBoard, for want of target/python with both"
        );
    }
    found.then_some(python)
}

/// Has a script hold what a tool shows against the store.
fn check(python: &Path, script: &str, arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/others").join(script);
    let mut command = Command::new(python);
    command
        .arg(script)
        .args(arguments)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .current_dir(std::env::temp_dir());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// A run of each status, with weights and without, and with names and numbers that not every tool takes.
fn mixed() -> TempDir {
    let mut filling =
        Filling::new("batch_sweep", "How batch size and decay change softmax regression");
    for batch in [16, 32, 64] {
        for seed in 0..3 {
            let run = plausible("batch_sweep", batch, 1e-7, seed);
            let models = filling.folder.path().join("batch_sweep/models");
            std::fs::create_dir_all(&models).unwrap();
            std::fs::write(
                models.join(format!("{}.safetensors", run.trial)),
                run.trial.as_str().repeat(batch as usize),
            )
            .unwrap();
            filling.record(&run);
        }
    }
    // The same trial again: the weights are the newer run's.
    filling.record(&plausible("batch_sweep", 16, 1e-7, 0));
    for (seed, status) in [(3, Status::Diverged), (4, Status::Failed), (5, Status::Killed)] {
        let mut run = plausible("batch_sweep", 32, 0.0, seed).with(|run| {
            run.status = status;
            run.error = Some("what \"happened\"\n…".into());
        });
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

/// An experiment that goes on while it is looked at.
struct Growing {
    store: Store,
    run: Option<tracking::LiveRun>,
}

impl Growing {
    fn begin(results: &Path) -> Self {
        let store = Store::open(results).unwrap();
        let run = store.start_run("growing", &[("depth", 3.into()), ("seed", 0.into())]).unwrap();
        run.log(1, &[("loss", 0.1), ("accuracy", 0.25)]).unwrap();
        // Logged is recorded a tenth of a second later.
        sleep(Duration::from_millis(300));
        Self { store, run: Some(run) }
    }

    /// The run goes on and ends, and others come.
    fn grow(&mut self) {
        let run = self.run.take().unwrap();
        run.log(2, &[("loss", 0.05), ("accuracy", 0.5)]).unwrap();
        run.finish(&[("test_accuracy", 0.75)]).unwrap();
        for depth in 4..9 {
            let run = self
                .store
                .start_run("growing", &[("depth", depth.into()), ("rate", 0.1.into())])
                .unwrap();
            run.log(1, &[("loss", 1.0 / f64::from(depth))]).unwrap();
            run.finish(&[]).unwrap();
        }
        sleep(Duration::from_millis(300));
    }
}

/// What an export says.
fn export(results: &Path, tool: &str, place: &str) -> String {
    let (code, out, said) = outcome(results, &["export", "--to", tool, place]);
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
    said
}

/// Ends exports in the middle of their work, as the system's end would.
fn export_and_kill(results: &Path, tool: &str, place: &str) {
    for milliseconds in [5, 20, 60, 150, 150, 150, 150] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
        command.arg("-r").arg(results).args(["export", "--to", tool, place]).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        // What a server was asked last it still does.
        sleep(Duration::from_millis(300));
    }
}

/// Once, twice, stopped in the middle, and as the store grows: what is there is always the store, and nothing twice.
fn follow(tool: &str, place: &str, look: impl Fn(&Path)) {
    let folder = mixed();
    let results = folder.path();
    let mut growing = Growing::begin(results);
    export_and_kill(results, tool, place);
    export(results, tool, place);
    look(results);
    let said = export(results, tool, place);
    assert!(said.contains("0 runs added, 15 there already"), "{said}");
    growing.grow();
    let said = export(results, tool, place);
    assert!(said.contains("5 runs added, 1 completed, 14 there already"), "{said}");
    look(results);
    let said = export(results, tool, place);
    assert!(said.contains("0 runs added, 20 there already"), "{said}");
}

#[test]
#[ignore = "starts MLflow and TensorBoard, which takes a minute or two"]
fn mlflow_opens_a_folder() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    // A blank and a percent sign, as an address has them.
    let place = folder.path().join("of 100% MLflow");
    let uri = format!("sqlite:///{}/mlflow.db", place.display());
    follow("mlflow", place.to_str().unwrap(), |results| {
        check(&python, "mlflow_check.py", &[results.to_str().unwrap(), &uri]);
    });
}

/// MLflow has the places of files in its database: the next export brings them to where the folder is now.
#[test]
#[ignore = "starts MLflow and TensorBoard, which takes a minute or two"]
fn a_folder_of_mlflow_may_be_moved() {
    let Some(python) = python() else { return };
    let (results, folder) = (mixed(), tempfile::tempdir().unwrap());
    let (place, moved) = (folder.path().join("place"), folder.path().join("moved"));
    export(results.path(), "mlflow", place.to_str().unwrap());
    std::fs::rename(&place, &moved).unwrap();
    let said = export(results.path(), "mlflow", moved.to_str().unwrap());
    assert!(said.contains("0 runs added, 14 there already"), "{said}");
    let uri = format!("sqlite:///{}/mlflow.db", moved.display());
    check(&python, "mlflow_check.py", &[results.path().to_str().unwrap(), &uri]);
}

/// A server of MLflow's that ends with the test.
struct Server(Child);

impl Server {
    fn start(python: &Path, folder: &Path, port: u16) -> Self {
        let store = format!("sqlite:///{}/mlflow.db", folder.display());
        let mut command = Command::new(python.with_file_name("mlflow"));
        command.args([
            "server",
            "--workers",
            "1",
            "--port",
            &port.to_string(),
            "--backend-store-uri",
            &store,
        ]);
        command
            .arg("--artifacts-destination")
            .arg(folder.join("files"))
            .current_dir(folder)
            .process_group(0);
        command.env("MLFLOW_DISABLE_TELEMETRY", "true").stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(180);
        while ureq::get(format!("http://127.0.0.1:{port}/health")).call().is_err() {
            assert!(Instant::now() < deadline, "MLflow's server does not start");
            sleep(Duration::from_millis(200));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has processes of its own.
        let _ = Command::new("kill").args(["--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
#[ignore = "starts MLflow and TensorBoard, which takes a minute or two"]
fn mlflow_serves_what_it_was_sent() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = Server::start(&python, folder.path(), port);
    let address = format!("http://127.0.0.1:{port}");
    follow("mlflow", &address, |results| {
        check(&python, "mlflow_check.py", &[results.to_str().unwrap(), &address])
    });
    // Renamed, it is the same experiment.
    let results = mixed();
    export(results.path(), "mlflow", &address);
    let script = "import sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
client.rename_experiment(client.get_experiment_by_name('batch_sweep').experiment_id, 'ours')";
    assert!(
        Command::new(&python)
            .args(["-c", script, &address])
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
    let said = export(results.path(), "mlflow", &address);
    assert!(said.contains("0 runs added, 14 there already"), "{said}");
}

#[test]
#[ignore = "starts MLflow and TensorBoard, which takes a minute or two"]
fn tensorboard_opens_a_folder() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let port = free_port().to_string();
    follow("tensorboard", place, |results| {
        check(&python, "tensorboard_check.py", &[results.to_str().unwrap(), place, &port]);
    });
}

/// What another tool has deleted, and what somebody named there, stays so.
#[test]
#[ignore = "starts MLflow and TensorBoard, which takes a minute or two"]
fn what_people_did_in_mlflow_stays() {
    let Some(python) = python() else { return };
    let (results, folder) = (mixed(), tempfile::tempdir().unwrap());
    let place = folder.path().to_str().unwrap();
    export(results.path(), "mlflow", place);
    let script = "import sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
runs = client.search_runs(['1'], order_by=['attributes.start_time'])
client.rename_experiment('1', 'ours')
client.delete_run(runs[0].info.run_id)
client.update_run(runs[1].info.run_id, name='the good one')
client.log_metric(runs[1].info.run_id, 'opinion', 1.0)";
    let uri = format!("sqlite:///{place}/mlflow.db");
    assert!(
        Command::new(&python)
            .args(["-c", script, &uri])
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
    let said = export(results.path(), "mlflow", place);
    assert!(said.contains("0 runs added, 13 there already, 1 deleted there and left so"), "{said}");
    let script = "import sys, mlflow; mlflow.MlflowClient(sys.argv[1]).delete_experiment('1')";
    assert!(
        Command::new(&python)
            .args(["-c", script, &uri])
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
    let (code, _, said) = outcome(results.path(), &["export", "--to", "mlflow", place]);
    assert!(code == 0 && said.contains("0 runs added, 14 deleted there and left so"), "{said}");
    assert!(said.contains("mlflow experiments restore --experiment-id 1 brings it back"), "{said}");
}
