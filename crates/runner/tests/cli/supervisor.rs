//! Nothing keeps running when the runner is killed.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::common::{Sweep, wait_until};

/// The processes whose command line has `word`.
pub fn processes_with(word: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let commands = commands.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    commands.filter(|command| command.contains(word)).collect()
}

/// The runner can be killed at any time while the supervisor starts.
#[test]
fn closed_socket_leaves_no_program() {
    let sweep = Sweep::empty();
    let lock = sweep.path("lock");
    let is_gone = || processes_with(lock.to_str().unwrap()).is_empty();
    for delay in 0..40 {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut supervisor = Command::new(env!("CARGO_BIN_EXE_runner"))
            .arg("__supervise")
            .arg(&lock)
            .args(["sh", "-c", "sleep 61; :"])
            .arg(&lock)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_micros(100 * delay));
        drop(ours);
        supervisor.wait().unwrap();
        wait_until(is_gone, "the program ended");
    }
}
