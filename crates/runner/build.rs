//! Stores the commit and the version of candle in the program, for the provenance of its runs.

use std::process::Command;

/// The sources of the program. An uncommitted change of one of them makes the commit dirty.
const SOURCES: [&str; 3] = ["crates", "Cargo.toml", "Cargo.lock"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for path in [".git/HEAD", ".git/refs", ".git/index"].iter().chain(&SOURCES) {
        println!("cargo::rerun-if-changed=../../{path}");
    }
    let mut version = env!("CARGO_PKG_VERSION").to_owned();
    if let Some(commit) = git(&["rev-parse", "HEAD"]) {
        println!("cargo::rustc-env=GIT_COMMIT={commit}");
        let mut status = vec!["status", "--porcelain", "--"];
        status.extend(SOURCES);
        let changes = git(&status);
        let is_dirty = changes.as_ref().is_some_and(|changes| !changes.is_empty());
        if changes.is_some() {
            println!("cargo::rustc-env=GIT_DIRTY={is_dirty}");
        }
        let modified = if is_dirty { ", modified" } else { "" };
        version += &format!(" ({}{modified})", &commit[..commit.len().min(9)]);
    }
    println!("cargo::rustc-env=VERSION={version}");
    if let Some(version) = locked_version("candle-core") {
        println!("cargo::rustc-env=CANDLE_VERSION={version}");
    }
}

/// The output of a git command. `None` without git or a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir("../..").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The version of a package in Cargo.lock.
fn locked_version(package: &str) -> Option<String> {
    let lock = std::fs::read_to_string("../../Cargo.lock").ok()?;
    let entry = lock
        .split("[[package]]")
        .find(|entry| entry.contains(&format!("name = \"{package}\"\n")))?;
    let version = entry.lines().find_map(|line| line.strip_prefix("version = "))?;
    Some(version.trim_matches('"').to_owned())
}
