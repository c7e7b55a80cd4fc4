//! Completions and manual pages, written from the command line.

use std::fs;
use std::io::{self, ErrorKind, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Command, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{NAME, verbs};

/// A verb that describes the program.
#[derive(Debug, Subcommand)]
pub enum Document {
    /// Print the completions of this program for a shell
    ///
    /// Example: candle-sweep completions bash > candle-sweep.bash
    Completions {
        /// Shell that reads them
        shell: Shell,
    },
    /// Print the manual page of this program, or write one page per verb into a folder
    Man {
        /// Write the pages of the program and its verbs into this folder
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl Document {
    /// Writes the document and returns the exit code.
    pub fn write(self) -> ExitCode {
        let result = match self {
            Self::Completions { shell } => completions(shell),
            Self::Man { folder: Some(folder) } => pages(&folder),
            Self::Man { folder: None } => print(|out| Man::new(verbs::command()).render(out)),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: {error:#}");
                ExitCode::from(2)
            }
        }
    }
}

fn completions(shell: Shell) -> Result<()> {
    print(|out| {
        clap_complete::generate(shell, &mut verbs::command(), NAME, out);
        Ok(())
    })
}

/// Prints a document. A reader that closes its pipe early is no error.
fn print(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<()> {
    let mut document = Vec::new();
    write(&mut document)?;
    match stdout().write_all(&document) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("printing failed")
        }
        _ => Ok(()),
    }
}

/// Writes the pages of the program and its verbs.
fn pages(folder: &Path) -> Result<()> {
    let mut command = verbs::command();
    command.build();
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        page(folder, verb.clone())?;
    }
    page(folder, command)
}

fn page(folder: &Path, command: Command) -> Result<()> {
    let name = command.get_display_name().unwrap_or(NAME).to_owned();
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    Man::new(command.display_name(&name)).render(&mut page)?;
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}
