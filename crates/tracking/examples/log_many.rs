//! Measures the cost of logging from several processes and threads into one store.
//!
//! `cargo run --release -p tracking --example log_many -- PROCESSES THREADS RUNS`
//!
//! Each thread logs RUNS runs with five hyperparameters, five epochs of four metrics, and two
//! results.
#![allow(clippy::expect_used, reason = "a benchmark stops at the first error")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use tracking::{Experiment, Reader, Store, StoreError};

/// Logs the runs of one process.
fn log(results: &Path, process: i64, threads: i64, runs: i64) -> Result<(), StoreError> {
    let store = Store::open(results)?;
    let experiment = Experiment { name: "many".into(), description: "What logging costs".into() };
    store.declare(&experiment, tracking::invocation!())?;
    let thread = |thread: i64| -> Result<(), StoreError> {
        for seed in 0..runs {
            let params = [
                ("process", process.into()),
                ("thread", thread.into()),
                ("batch_size", 32.into()),
                ("learning_rate", 0.01.into()),
                ("seed", seed.into()),
            ];
            let run = store.start_run("many", &params)?;
            for epoch in 1..=5 {
                let loss = 1.0 / f64::from(epoch);
                run.log(
                    epoch,
                    &[("loss", loss), ("accuracy", 0.9), ("val_loss", loss), ("val_accuracy", 0.9)],
                )?;
            }
            run.finish(&[("test_loss", 0.2), ("test_accuracy", 0.9)])?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|number| scope.spawn(move || thread(number))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("the thread does not panic"))
    })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(4);
    if let [folder, process, threads, runs] = &arguments[..] {
        let [process, threads, runs] =
            [process, threads, runs].map(|text| text.parse().expect("a number"));
        return log(Path::new(folder), process, threads, runs).expect("logged");
    }
    let (processes, threads, runs) =
        (number(0), number(1), arguments.get(2).map_or(100, |_| number(2)));
    let folder = tempfile::tempdir().expect("a folder");
    let start = Instant::now();
    let program = std::env::current_exe().expect("this program");
    let children: Vec<_> = (0..processes)
        .map(|process| {
            let arguments = [process, threads, runs].map(|number| number.to_string());
            let command = &mut Command::new(&program);
            command
                .arg(folder.path())
                .args(arguments)
                .stdin(Stdio::null())
                .spawn()
                .expect("a process")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("the process ends").success(), "the process succeeds");
    }
    let seconds = start.elapsed().as_secs_f64();
    let reader = Reader::open(folder.path()).expect("a store");
    let recorded = reader.runs("many").expect("runs").len();
    assert_eq!(i64::try_from(recorded), Ok(processes * threads * runs), "no run is lost");
    println!(
        "{recorded} runs from {processes} processes with {threads} threads in {seconds:.3} s: {:.3} ms per run, \
         including the start of the processes",
        1e3 * seconds / recorded as f64
    );
}
