//! Provenance of the current process: version, command line, machine.

use crate::{Invocation, Process, shell};

impl Invocation {
    /// Describes the current process: command line, machine, and the name of the executable in
    /// place of a version. [`invocation!`](crate::invocation) adds the version.
    #[must_use]
    pub fn current() -> Self {
        let program = std::env::current_exe().ok();
        let name = program
            .as_ref()
            .and_then(|path| path.file_stem())
            .map(|name| name.to_string_lossy().into_owned());
        let unknown = || "unknown".to_owned();
        Self {
            program_version: name.unwrap_or_else(unknown),
            git_commit: None,
            git_dirty: None,
            candle_version: None,
            cpu: cpu().unwrap_or_else(unknown),
            instruction_set: std::env::consts::ARCH.to_owned(),
            os: os(),
            jobs: std::thread::available_parallelism()
                .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
            command_line: shell::command(
                &std::env::args_os()
                    .map(|argument| argument.to_string_lossy().into_owned())
                    .collect::<Vec<_>>(),
            ),
            experiment_file: None,
            process: Process::current().clone(),
            plan_sha256: None,
            shard: None,
            work: None,
        }
    }
}

/// Reads the name of the processor on Linux.
fn cpu() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = info.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// Returns the name of the operating system, on Linux with the kernel version.
fn os() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, kernel.trim()).trim_end().to_owned()
}

/// Describes the calling program: [`Invocation::current`] with the name and version of its package.
/// If a build script sets the environment variables `GIT_COMMIT` and `CANDLE_VERSION`, they are
/// included.
#[macro_export]
macro_rules! invocation {
    () => {
        $crate::Invocation {
            program_version: ::std::concat!(
                ::std::env!("CARGO_PKG_NAME"),
                " ",
                ::std::env!("CARGO_PKG_VERSION")
            )
            .to_owned(),
            git_commit: ::std::option_env!("GIT_COMMIT").map(::std::borrow::ToOwned::to_owned),
            candle_version: ::std::option_env!("CANDLE_VERSION")
                .map(::std::borrow::ToOwned::to_owned),
            ..$crate::Invocation::current()
        }
    };
}
