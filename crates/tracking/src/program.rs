//! What a program can tell of itself and of where it runs, without being asked.

use crate::{Invocation, Process};

impl Invocation {
    /// The present process: its file's name for a version, its command line, its machine. [`invocation!`](crate::invocation) knows
    /// the version too.
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
            command_line: std::env::args_os()
                .map(|it| it.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" "),
            experiment_file: None,
            process: Process::current().clone(),
            plan_sha256: None,
            shard: None,
            work: None,
        }
    }
}

/// The processor's name, where the system has it in a file.
fn cpu() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = info.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// The operating system, with its kernel's version where that is in a file.
fn os() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, kernel.trim()).trim_end().to_owned()
}

/// The [`Invocation`] of the program that this is written in: its package's name and version, the variables `GIT_COMMIT` and
/// `CANDLE_VERSION` if its build script sets them, and what [`Invocation::current`] knows.
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
