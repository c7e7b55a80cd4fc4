//! The process of a program, under a supervisor.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::supervisor::{EXITED, NOT_STARTED, SIGNALLED, STARTED, SUPERVISE};

/// A program to start, with its folder, variables and streams.
pub struct Launch<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    pub directory: &'a Path,
    /// Variables added to the environment of the runner.
    pub env: &'a [(String, String)],
    pub stdout: File,
    pub stderr: File,
    /// A file that the supervisor locks until the program has ended.
    pub lock: &'a Path,
}

/// A program that runs. Dropping this kills it.
pub struct ProgramProcess {
    supervisor: Child,
    /// `None` after the end.
    socket: Option<UnixStream>,
    /// What the supervisor has reported.
    reported: Vec<u8>,
    asked_to_end: bool,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Signal(i32),
    /// The program that did not start, and why.
    NotStarted(String),
    /// The supervisor was killed.
    Lost,
}

impl ProgramProcess {
    /// Starts a program in a process group of its own.
    ///
    /// # Errors
    /// If the supervisor cannot start. That the program cannot start is an [`End`].
    pub fn start(launch: Launch<'_>) -> Result<Self> {
        let (socket, theirs) = UnixStream::pair().context("cannot create a socket")?;
        let supervisor = Command::new(this_program()?)
            .arg0("sweep-supervisor")
            .args([SUPERVISE.as_ref(), launch.lock.as_os_str()])
            .args(launch.command)
            .current_dir(launch.directory)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .stdin(OwnedFd::from(theirs))
            .stdout(launch.stdout)
            .stderr(launch.stderr)
            .process_group(0)
            .spawn()
            .context("cannot start a process; try fewer --jobs")?;
        Ok(Self { supervisor, socket: Some(socket), reported: Vec::new(), asked_to_end: false })
    }

    /// Waits for the end of the program, at most for `timeout`; `None` if it still runs.
    ///
    /// # Errors
    /// If the socket to the supervisor fails.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<End>> {
        let Some(socket) = &mut self.socket else { return Ok(Some(End::Lost)) };
        socket.set_read_timeout(Some(timeout))?;
        let mut bytes = [0; 512];
        let count = match socket.read(&mut bytes) {
            Ok(count) => count,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                    return Ok(None);
                }
                ErrorKind::ConnectionReset => 0,
                _ => return Err(error).context("cannot read from a supervisor"),
            },
        };
        self.reported.extend_from_slice(&bytes[..count]);
        let end = match (self.end(), count) {
            (Some(end), _) => end,
            (None, 0) => {
                self.kill_group();
                End::Lost
            }
            (None, _) => return Ok(None),
        };
        self.socket = None;
        self.supervisor.wait().context("cannot wait for a supervisor")?;
        Ok(Some(end))
    }

    /// Asks the program to end: SIGTERM, and SIGKILL after a grace period. Further calls do nothing.
    ///
    /// # Errors
    /// If the socket to the supervisor fails.
    pub fn terminate(&mut self) -> Result<()> {
        if let (Some(socket), false) = (&mut self.socket, self.asked_to_end) {
            self.asked_to_end = true;
            match socket.write_all(b"t") {
                // The next wait finds the end.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                written => written.context("cannot write to a supervisor")?,
            }
        }
        Ok(())
    }

    fn lines(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let complete = self.reported.split_inclusive(|byte| *byte == b'\n');
        let complete = complete.filter_map(|line| line.strip_suffix(b"\n"));
        complete.map(String::from_utf8_lossy)
    }

    /// The end, if the supervisor has reported it.
    fn end(&self) -> Option<End> {
        self.lines().find_map(|line| {
            let number = |prefix| line.strip_prefix(prefix).and_then(|number| number.parse().ok());
            number(EXITED)
                .map(End::Exited)
                .or_else(|| number(SIGNALLED).map(End::Signal))
                .or_else(|| Some(End::NotStarted(line.strip_prefix(NOT_STARTED)?.to_owned())))
        })
    }

    /// Kills the group of a program that has lost its supervisor.
    fn kill_group(&self) {
        let started = |line: std::borrow::Cow<'_, str>| line.strip_prefix(STARTED)?.parse().ok();
        if let Some(group) = self.lines().find_map(started).and_then(Pid::from_raw) {
            // It fails if all its processes have ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for ProgramProcess {
    fn drop(&mut self) {
        if self.socket.take().is_some() {
            // The supervisor ends the program and then itself.
            let _ = self.supervisor.wait();
        }
    }
}

/// This program, also if its file was replaced since it started.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe()
}

impl End {
    /// Whether the program may have ended because the sweep stops.
    pub fn may_be_a_stop(&self) -> bool {
        match self {
            Self::Signal(number) => [SIGHUP, SIGINT, SIGTERM, SIGUSR1].contains(number),
            Self::Lost => true,
            Self::Exited(_) | Self::NotStarted(_) => false,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "it ended with exit code {code}"),
            Self::Signal(9) => f.write_str("it was killed by SIGKILL; was the memory exhausted?"),
            Self::Signal(number) => match signal_hook::low_level::signal_name(*number) {
                Some(name) => write!(f, "it was killed by {name}"),
                None => write!(f, "it was killed by signal {number}"),
            },
            Self::NotStarted(error) => write!(f, "it cannot start {error}"),
            Self::Lost => f.write_str("its supervisor was killed"),
        }
    }
}
