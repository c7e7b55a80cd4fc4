//! Follows a sweep in a real browser. `page/serve.mjs` requests events and checks the pages.
#![allow(clippy::unwrap_used, missing_docs)]

mod browser;
mod served;
mod stores;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::SystemTime;

use tracking::{Experiment, Invocation, InvocationId, LiveRun, PlannedWork, Process, Run, Store};

use served::Served;
use stores::plausible;

/// A sweep of fourteen trials, two of each of seven batch sizes.
struct Sweep {
    store: Store,
    invocation: InvocationId,
    running: LiveRun,
}

impl Sweep {
    /// Six trials have ended and one runs.
    fn begin(results: &Path) -> Self {
        let store = Store::open(results).unwrap();
        let params = [("batch_size", 512.into()), ("seed", 9.into()), ("epochs", 5.into())];
        let running = store
            .new_run("batch_sweep", &params)
            .dataset("mnist")
            .dataset_sha256("c0ffee")
            .start()
            .unwrap();
        let mut sweep = Self { store, invocation: invocation(results), running };
        sweep.running.log_at(1, 100, &[("loss", 0.7)]).unwrap();
        sweep.running.log_at(2, 200, &[("loss", 0.6)]).unwrap();
        [16, 32, 64].into_iter().for_each(|batch| sweep.record(batch));
        sweep
    }

    /// Records two runs of a setting that end now.
    fn record(&mut self, batch: i64) {
        for seed in 0..2 {
            let run = plausible("batch_sweep", batch, 0.0, seed);
            self.store
                .record(self.invocation, &Run { ended_at: SystemTime::now(), ..run })
                .unwrap();
        }
    }
}

/// The ended runs belong to a program whose process no longer exists.
fn invocation(results: &Path) -> InvocationId {
    let work = Some(PlannedWork { trials: 14, to_run: 14, steps: 70_000 });
    let process = Process { pid: u32::MAX, ..Process::current().clone() };
    let about =
        Experiment { name: "batch_sweep".into(), description: "What the batch size does".into() };
    let here = Invocation {
        work,
        process,
        experiment_file: Some("name = \"batch_sweep\"\n".into()),
        ..Invocation::current()
    };
    Store::open(results).unwrap().begin(&about, &here).unwrap()
}

/// A server that answers every request with 401.
struct Refusing {
    address: String,
    is_open: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Refusing {
    fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let is_open = Arc::new(AtomicBool::new(true));
        let open = Arc::clone(&is_open);
        let thread = spawn(move || {
            for stream in listener.incoming().take_while(|_| open.load(Ordering::SeqCst)) {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(
                    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
        });
        Self { address: address.to_owned(), is_open, thread: Some(thread) }
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        self.is_open.store(false, Ordering::SeqCst);
        // The thread ends after one more connection.
        let _ = TcpStream::connect(&self.address);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn pages_follow_a_sweep_and_keep_the_readers_state() {
    let Some(mut script) = browser::script("serve.mjs") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::new(folder.path(), &[]);
    let mut node =
        script.arg(&served.url).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut answers, asked) =
        (node.stdin.take().unwrap(), BufReader::new(node.stdout.take().unwrap()));
    let (mut sweep, mut refusing, mut failures) = (None, None, String::new());
    for line in asked.lines() {
        let line = line.unwrap();
        match (
            line.strip_prefix("> ").map(|event| event.split_once(' ').unwrap_or((event, ""))),
            &mut sweep,
        ) {
            (Some(("begin", _)), _) => sweep = Some(Sweep::begin(folder.path())),
            (Some(("record", batch)), Some(sweep)) => sweep.record(batch.parse().unwrap()),
            (Some(("end", _)), sweep) => drop(sweep.take()),
            (Some(("another", _)), _) => {
                // The name sorts before the first experiment's.
                for depth in 1..3 {
                    let run = Store::open(folder.path())
                        .unwrap()
                        .start_run("alpha", &[("depth", depth.into())])
                        .unwrap();
                    run.finish(&[("test_accuracy", 0.5)]).unwrap();
                }
            }
            (Some(("die", _)), _) => {
                served.child.kill().unwrap();
                served.child.wait().unwrap();
            }
            (Some(("refuse", _)), _) => refusing = Some(Refusing::at(&served.address)),
            (Some(("return", _)), _) => {
                drop(refusing.take());
                let port = served.address.rsplit(':').next().unwrap().to_owned();
                served = Served::at(&port, folder.path(), &[], &[]);
            }
            _ => {
                failures += &(line + "\n");
                continue;
            }
        }
        writeln!(answers).unwrap();
    }
    let ended = node.wait().unwrap();
    assert!(ended.success(), "{ended}: {failures}");
}
