//! The supervisor: a process between the runner and a program, so that nothing is left running when
//! the runner is killed.
//!
//! It is the same binary with another first argument. Its standard input is a socket to the runner.
//! When the socket closes, the supervisor kills the program's process group. On any byte, it asks
//! the group to end, and kills it after [`GRACE_PERIOD`].

use std::fs::{OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

/// The first argument of a supervisor. The path of a lock and the program's command follow.
pub const SUPERVISE: &str = "__supervise";
/// The time between SIGTERM and SIGKILL.
pub const GRACE_PERIOD: Duration = Duration::from_secs(10);
/// The time between two attempts to take the lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(5);

/// What the supervisor reports to the runner, one line each.
pub const STARTED: &str = "started ";
pub const EXITED: &str = "exited ";
pub const SIGNALLED: &str = "signal ";
pub const NOT_STARTED: &str = "not started ";

/// The group of the program, as long as it must be ended with the runner.
#[derive(Clone, Default)]
struct Group(Arc<Mutex<Option<Pid>>>);

impl Group {
    fn locked(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Acts as a supervisor if the arguments of the process say so.
pub fn supervise_if_asked() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != SUPERVISE {
        return None;
    }
    let (Some(lock), Some(program)) = (words.next(), words.next()) else {
        return Some(ExitCode::FAILURE);
    };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).process_group(0);
    Some(match supervise(command, &lock) {
        Ok(()) => ExitCode::SUCCESS,
        // The runner sees that the socket closes without a report.
        Err(_) => ExitCode::FAILURE,
    })
}

fn supervise(mut command: Command, lock: &std::ffi::OsStr) -> io::Result<()> {
    // Signals for the runner may reach all processes. The runner decides what follows.
    for signal in [SIGHUP, SIGINT, SIGTERM, SIGUSR1] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let group = Group::default();
    let (control, controlled) = (socket.try_clone()?, group.clone());
    std::thread::spawn(move || obey(control, &controlled));

    let lock = OpenOptions::new().append(true).create(true).open(lock)?;
    // A file system without locks must not prevent the run.
    while let Err(TryLockError::WouldBlock) = lock.try_lock() {
        std::thread::sleep(LOCK_INTERVAL);
    }
    let started = {
        let mut pid = group.locked();
        let started = command.spawn();
        *pid = started.as_ref().ok().and_then(pid_of);
        started
    };
    let report = match started {
        Err(error) => {
            let program = command.get_program().to_string_lossy();
            format!("{NOT_STARTED}{}: {error}\n", program.escape_debug())
        }
        Ok(mut child) => {
            // It fails if the runner was killed. Then the other thread ends the program.
            let _ = writeln!(socket, "{STARTED}{}", child.id());
            end_of(&mut child, &group)?
        }
    };
    socket.write_all(report.as_bytes())
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Waits for the program, and kills what is left of its group. As long as the program is not
/// reaped, its group cannot be the group of other processes.
fn end_of(child: &mut Child, group: &Group) -> io::Result<String> {
    use std::os::unix::process::ExitStatusExt;

    if let Some(pid) = pid_of(child) {
        while let Err(rustix::io::Errno::INTR) =
            waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {}
    }
    let mut pid = group.locked();
    kill(*pid, Signal::KILL);
    let status = child.wait()?;
    *pid = None;
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => format!("{EXITED}{code}\n"),
        (None, signal) => format!("{SIGNALLED}{}\n", signal.unwrap_or_default()),
    })
}

/// Sends a signal to a group. It has no effect if all its processes have ended.
fn kill(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}

/// Ends the program when the runner asks for it, or has ended itself.
fn obey(mut socket: UnixStream, group: &Group) {
    let mut byte = [0];
    loop {
        match socket.read(&mut byte) {
            Ok(1..) => {
                let pid = group.locked();
                if pid.is_none() {
                    std::process::exit(0);
                }
                kill(*pid, Signal::TERM);
                // Without a timeout the program could ignore SIGTERM indefinitely.
                let _ = socket.set_read_timeout(Some(GRACE_PERIOD));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                kill(*group.locked(), Signal::KILL);
            }
            Ok(0) | Err(_) => {
                // The lock is held until the exit, so that no program starts in between.
                let pid = group.locked();
                kill(*pid, Signal::KILL);
                std::process::exit(0);
            }
        }
    }
}
