//! Heading of the results: processor, cores, time, commit.

use std::process::Command;
use std::time::SystemTime;

use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// Prints the heading of the results.
pub fn print_header(cores: usize) {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let commit = commit().map_or_else(String::new, |commit| format!(" · commit {commit}"));
    println!("# candle-sweep benchmarks\n");
    println!("{} · {cores} cores · {now}{commit}", cpu());
    let threads = std::env::var("RAYON_NUM_THREADS")
        .unwrap_or_else(|_| "not set, which slows down candle".to_owned());
    println!(
        "\nRAYON_NUM_THREADS: {threads}. Times are medians; lower is faster. `bench/METHODOLOGY.md` describes the method."
    );
}

fn cpu() -> String {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
    let brand =
        system.ok().and_then(|system| Some(system.cpus().first()?.brand().trim().to_owned()));
    brand.unwrap_or_else(|| "unknown processor".to_owned())
}

/// Returns the commit of the current folder, with a mark if files were changed.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let dirty = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    Some(if dirty { format!("{commit} with changes") } else { commit })
}
