//! `report show ID --log`: prints what the program of a run wrote.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use tracking::program_files::Stream;
use tracking::{RecordedRun, Status, printable};

use crate::query::{print_why_empty, store};
use crate::render::layout::{BOLD, styled};

/// The most bytes of a line in memory. A longer line is printed in parts.
const MAX_PART: u64 = 1 << 21;

/// Prints the log of the run with this id, or of the newest run of the trial with this id.
pub fn log(results: &Path, id: &str) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let run = store::find(&reader, results, id)?;
    let mut out = anstream::stdout().lock();
    let mut separator = "";
    for stream in Stream::ALL {
        let cannot_read = |path: &Path| format!("cannot read {}", path.display());
        let Some((path, mut text)) = open(results, &run, stream)? else { continue };
        writeln!(out, "{separator}{}", styled(BOLD, title(stream)))?;
        while let Some(part) = next_part(&mut text).with_context(|| cannot_read(&path))? {
            out.write_all(part.as_bytes())?;
        }
        separator = "\n";
    }
    out.flush()?;
    if separator.is_empty() {
        print_why_empty(&format!("run {} has no log: {}", run.id, why_absent(results, &run)));
    }
    Ok(super::report_damage(&reader, results))
}

fn title(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "standard output",
        Stream::Stderr => "standard error",
    }
}

/// Opens the kept text of a stream, or the file that the program of an unfinished run writes to.
/// `None` if there is no text.
fn open(
    results: &Path,
    run: &RecordedRun,
    stream: Stream,
) -> Result<Option<(PathBuf, Box<dyn BufRead>)>> {
    let path = tracking::program_files::log_path(results, &run.experiment, &run.id, stream);
    if let Some(file) = existing(&path)? {
        return Ok(Some((path, Box::new(BufReader::new(GzDecoder::new(file))))));
    }
    let folder = tracking::program_files::trial_folder(results, &run.experiment, &run.trial);
    // Another run of the trial may use the folder now.
    let is_of_run = std::fs::read_to_string(folder.join(tracking::program_files::RUN_FILE))
        .is_ok_and(|id| id == run.id.as_str());
    let path = folder.join(stream.file_name());
    let file = if is_of_run { existing(&path)? } else { None };
    Ok(file.map(|file| (path, Box::new(BufReader::new(file)) as Box<dyn BufRead>)))
}

/// Opens a file; `None` if it does not exist or is empty.
fn existing(path: &Path) -> Result<Option<File>> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    match opened {
        Ok((0, _)) => Ok(None),
        Ok((_, file)) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The next line, safe to print, or a part of it; `None` at the end.
fn next_part(text: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if text.take(MAX_PART).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    let is_cut = bytes.len() as u64 == MAX_PART && !bytes.ends_with(b"\n");
    let line = String::from_utf8_lossy(&bytes);
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let cells: Vec<_> = line.split('\t').map(printable).collect();
    Ok(Some(cells.join("\t") + if is_cut { "" } else { "\n" }))
}

fn why_absent(results: &Path, run: &RecordedRun) -> String {
    if run.program_sha256.is_none() {
        return "it is not a run of [program]".to_owned();
    }
    match run.status {
        Status::Running => "its program has printed nothing yet".to_owned(),
        Status::Killed => {
            let folder =
                tracking::program_files::trial_folder(results, &run.experiment, &run.trial);
            format!("it was killed, and {} has no output of it", folder.display())
        }
        Status::Finished | Status::Diverged | Status::Failed => {
            let folder = tracking::program_files::logs_folder(results, &run.experiment);
            format!("its program printed nothing, or its files in {} are gone", folder.display())
        }
    }
}
