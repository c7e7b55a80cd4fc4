//! Who works on a run: a process, told apart from any other that had or will have its number.

use std::sync::OnceLock;

/// A process of some machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Name of the machine.
    pub host: String,
    /// Process number.
    pub pid: u32,
    /// When it started, in the kernel's ticks since the machine did.
    pub started: Option<i64>,
    /// Which start of the machine that was.
    pub boot_id: Option<String>,
    /// Where the number counts: containers have their own numbers.
    pub namespace: Option<String>,
}

/// Whether a process is still there, as far as this one can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It ended, however it did.
    Gone,
    /// It is, or was, of another machine or container.
    Remote,
}

impl Process {
    /// The present one.
    #[must_use]
    pub fn current() -> &'static Self {
        static THIS: OnceLock<Process> = OnceLock::new();
        THIS.get_or_init(|| {
            let pid = std::process::id();
            Self {
                host: gethostname::gethostname().to_string_lossy().into_owned(),
                pid,
                started: started(pid),
                boot_id: boot_id(),
                namespace: namespace(),
            }
        })
    }

    /// Whether it is still there. Without `/proc` nothing is known of any but the present one.
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
        } else if self.started.is_some() && started(self.pid) == self.started {
            Liveness::Alive
        } else {
            Liveness::Gone
        }
    }
}

/// Field 22 of `/proc/PID/stat`, unless the process only waits to be buried.
fn started(pid: u32) -> Option<i64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The second field is the program's name in parentheses, which may hold anything.
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
    fn this_process_is_alive_and_another_host_is_elsewhere() {
        let this = Process::current();
        assert_eq!(this.liveness(), Liveness::Alive);
        assert_eq!(Process { host: "far".into(), ..this.clone() }.liveness(), Liveness::Remote);
        assert_eq!(
            Process { namespace: Some("pid:[1]".into()), ..this.clone() }.liveness(),
            Liveness::Remote
        );
    }

    #[test]
    fn the_same_number_at_another_time_is_gone() {
        let this = Process::current();
        assert_eq!(
            Process { started: this.started.map(|at| at - 1), ..this.clone() }.liveness(),
            Liveness::Gone
        );
        assert_eq!(
            Process { boot_id: Some("earlier".into()), ..this.clone() }.liveness(),
            Liveness::Gone
        );
        assert_eq!(Process { pid: u32::MAX, ..this.clone() }.liveness(), Liveness::Gone);
    }

    #[test]
    fn a_killed_child_is_gone_before_it_is_buried() {
        let mut child = Command::new("sleep").arg("100").stdout(Stdio::null()).spawn().unwrap();
        let process =
            Process { pid: child.id(), started: started(child.id()), ..Process::current().clone() };
        assert_eq!(process.liveness(), Liveness::Alive);
        child.kill().unwrap();
        while started(child.id()).is_some() {
            std::thread::yield_now();
        }
        assert_eq!(process.liveness(), Liveness::Gone);
        child.wait().unwrap();
    }
}
