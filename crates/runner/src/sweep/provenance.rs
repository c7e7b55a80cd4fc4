//! The provenance of a run: program, code, machine and command.

use sysinfo::{CpuRefreshKind, RefreshKind, System};
use tracking::{Invocation, Process};

use crate::experiment::file::without_env_values;

/// The invocation of this process. The caller adds what concerns an experiment.
pub fn this_invocation() -> Invocation {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
    let cpu = system.ok().and_then(|system| Some(system.cpus().first()?.brand().to_owned()));
    let unknown = || "unknown".to_owned();
    let words = std::env::args_os().map(|word| recorded_word(&word.to_string_lossy()));
    Invocation {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: option_env!("GIT_COMMIT").map(str::to_owned),
        git_dirty: option_env!("GIT_DIRTY").map(|dirty| dirty == "true"),
        candle_version: option_env!("CANDLE_VERSION").map(str::to_owned),
        cpu: cpu.unwrap_or_else(unknown),
        instruction_set: instruction_set(),
        os: System::long_os_version().unwrap_or_else(|_| unknown()),
        command_line: tracking::shell::command(&words.collect::<Vec<_>>()),
        process: Process::current().clone(),
        jobs: 1,
        experiment_file: None,
        plan_sha256: None,
        shard: None,
        work: None,
    }
}

/// A word of the command line, without the values of environment variables that `--set` sets.
fn recorded_word(word: &str) -> String {
    match word.strip_prefix("--set=") {
        Some(setting) => format!("--set={}", without_env_values(setting)),
        None => without_env_values(word),
    }
}

/// The vector instructions of this processor: results may depend on them.
fn instruction_set() -> String {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [("neon", std::arch::is_aarch64_feature_detected!("neon"))];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&str, bool); 0] = [];
    let names: Vec<&str> =
        found.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
    format!("{} {}", std::env::consts::ARCH, names.join(" ")).trim_end().to_owned()
}
