//! The memory of the runner does not grow with the output of a program.

use std::fs;

use super::{TWO_SEEDS, finals, sweep};

/// The most memory that the runner used, in KiB.
fn peak_memory(script: &str) -> u64 {
    let sweep = sweep(&TWO_SEEDS.replace("[0, 1]", "[0]"), script);
    let mut runner = sweep.runner("p.toml -q").start();
    let mut peak = 0;
    while runner.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", runner.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kibibytes) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            peak = kibibytes.parse().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(runner.wait().unwrap().code(), Some(0));
    assert_eq!(finals(&sweep.results()), "0 loss 1");
    peak
}

#[test]
fn long_output_and_long_lines_need_little_memory() {
    let good = "echo '{\"loss\": 1}'; sleep 0.1";
    let allowed = peak_memory(good) + (16 << 10);
    let many_lines = "yes 'a line of text' | head -n 950000
                      yes '{\"epoch\": 1, \"val_loss\": 0.5}' | head -n 50000";
    let one_line = "printf '{\"loss\": 2, \"a\": \"'; head -c 10000000 /dev/zero | tr '\\0' a
                    echo '\"}'";
    let no_line = "head -c 30000000 /dev/zero; echo";
    for output in [many_lines, one_line, no_line] {
        let peak = peak_memory(&format!("{output}\n{good}"));
        assert!(peak <= allowed, "{peak} KiB, more than {allowed} KiB, for {output}");
    }
}

/// It prints far more than the runner reads in the same time.
#[test]
fn endless_output_does_not_delay_the_end() {
    let sweep = sweep(&TWO_SEEDS.replace("[0, 1]", "[0]"), "yes");
    let begun = std::time::Instant::now();
    sweep.runner("p.toml -q").set("program.timeout=\"200ms\"").exits(1);
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
}
