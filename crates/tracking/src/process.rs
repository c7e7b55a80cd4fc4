//! The process that works on a run. Its start time and the boot id distinguish it from other
//! processes with the same number.

use std::sync::OnceLock;

/// A process on this machine or another one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Host name of the machine.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Start time in kernel ticks since boot; unknown without `/proc`.
    pub started: Option<i64>,
    /// Random id of the machine's boot; unknown without `/proc`.
    pub boot_id: Option<String>,
    /// PID namespace. A container has its own namespace, and process ids repeat between namespaces.
    pub namespace: Option<String>,
}

/// Whether a process is alive, as far as the current process can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// The process is running.
    Alive,
    /// The process has ended.
    Gone,
    /// The process belongs to another machine or container, so its state is unknown.
    Remote,
}

impl Process {
    /// Returns the current process.
    #[must_use]
    pub fn current() -> &'static Self {
        static THIS: OnceLock<Process> = OnceLock::new();
        THIS.get_or_init(|| {
            let pid = std::process::id();
            Self {
                host: gethostname::gethostname().to_string_lossy().into_owned(),
                pid,
                started: start_time(pid),
                boot_id: boot_id(),
                namespace: namespace(),
            }
        })
    }

    /// Returns whether the process is alive. Without `/proc`, every process except the current one
    /// is [`Liveness::Remote`].
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        let this = Self::current();
        if self == this {
            Liveness::Alive
        } else if self.host != this.host || this.boot_id.is_none() {
            Liveness::Remote
        } else if self.boot_id != this.boot_id {
            Liveness::Gone
        } else if self.namespace != this.namespace {
            Liveness::Remote
        } else if self.started.is_some() && start_time(self.pid) == self.started {
            Liveness::Alive
        } else {
            Liveness::Gone
        }
    }
}

/// Reads the start time of a process: field 22 of `/proc/PID/stat`. A zombie counts as ended.
fn start_time(pid: u32) -> Option<i64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The second field is the program name in parentheses. It can contain spaces and parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

fn namespace() -> Option<String> {
    std::fs::read_link("/proc/self/ns/pid").ok().map(|link| link.to_string_lossy().into_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn current_process_is_alive_and_other_hosts_are_remote() {
        let this = Process::current();
        assert_eq!(this.liveness(), Liveness::Alive);
        assert_eq!(Process { host: "far".into(), ..this.clone() }.liveness(), Liveness::Remote);
        assert_eq!(
            Process { namespace: Some("pid:[1]".into()), ..this.clone() }.liveness(),
            Liveness::Remote
        );
    }

    #[test]
    fn same_pid_with_another_start_is_gone() {
        let this = Process::current();
        assert_eq!(
            Process { started: this.started.map(|ticks| ticks - 1), ..this.clone() }.liveness(),
            Liveness::Gone
        );
        assert_eq!(
            Process { boot_id: Some("earlier".into()), ..this.clone() }.liveness(),
            Liveness::Gone
        );
        assert_eq!(Process { pid: u32::MAX, ..this.clone() }.liveness(), Liveness::Gone);
    }

    #[test]
    fn killed_child_is_gone_before_it_is_reaped() {
        let mut child = Command::new("sleep").arg("100").stdout(Stdio::null()).spawn().unwrap();
        let process = Process {
            pid: child.id(),
            started: start_time(child.id()),
            ..Process::current().clone()
        };
        assert_eq!(process.liveness(), Liveness::Alive);
        child.kill().unwrap();
        while start_time(child.id()).is_some() {
            std::thread::yield_now();
        }
        assert_eq!(process.liveness(), Liveness::Gone);
        child.wait().unwrap();
    }
}
