//! Runs scripts in a real browser. They need node, Chromium, and the npm packages `playwright-core`
//! and `axe-core`: `npm install --prefix target/page playwright-core axe-core`. Without them, the
//! tests are skipped with a message.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the npm packages.
fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/page/node_modules")
}

/// The path of a program, if it is installed and runs.
fn found(program: &str) -> Option<String> {
    let runs =
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    let path = runs
        .then(|| Command::new("sh").args(["-c", &format!("command -v {program}")]).output())?
        .ok()?
        .stdout;
    Some(String::from_utf8(path).ok()?.trim().to_owned())
}

/// `node tests/page/SCRIPT MODULES CHROMIUM`, to which the caller adds arguments. `None`, with a
/// message on standard error, if a requirement is missing.
pub fn script(name: &str) -> Option<Command> {
    let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(found);
    let missing = match chromium {
        None => "Chromium",
        Some(_) if found("node").is_none() => "node",
        Some(_)
            if !modules().join("playwright-core").is_dir()
                || !modules().join("axe-core").is_dir() =>
        {
            "target/page with playwright-core and axe-core"
        }
        Some(path) => {
            let mut node = Command::new("node");
            node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page").join(name));
            node.arg(modules()).arg(path);
            return Some(node);
        }
    };
    eprintln!("skipped: the browser test needs {missing}");
    None
}
