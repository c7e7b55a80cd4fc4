//! `report export --to`: runs for MLflow or TensorBoard.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use tracking::typed_name::unknown;
use tracking::{Reader, RecordedRun, printable};

use super::selection::reject_comparison_options;
use crate::cli::ComparisonArgs;
use crate::cmd::report_damage;
use crate::export::tools::mlflow::{self, MlflowDatabase, MlflowServer};
use crate::export::tools::{ExportSelection, tensorboard};
use crate::query::{MatchingRuns, read_matching, store};

/// The tool and the place that receive the runs.
#[derive(Debug)]
enum ExportTarget {
    /// A folder that MLflow opens.
    MlflowFolder(PathBuf),
    /// The address of an MLflow server.
    MlflowServer(String),
    /// A folder that TensorBoard opens.
    TensorBoard(PathBuf),
}

/// Exports the chosen runs to a tool, and prints how to view them there.
pub fn export(results: &Path, to: &[OsString], args: &ComparisonArgs) -> Result<ExitCode> {
    let target = ExportTarget::parse(to)?;
    reject_comparison_options(args)?;
    let reader = store::open(results)?;
    target.check_folder(&reader, results)?;
    let selections = select(&reader, results, args)?;
    let (summary, advice) = match &target {
        ExportTarget::MlflowFolder(folder) => {
            let mut database = MlflowDatabase::open(folder)?;
            let summary = mlflow::export(&mut database, &reader, results, &selections)?;
            let path = folder.canonicalize()?.join("mlflow.db");
            (summary, format!("mlflow ui --backend-store-uri 'sqlite:///{}'", path.display()))
        }
        ExportTarget::MlflowServer(address) => {
            let mut server = MlflowServer::new(address)?;
            let summary = mlflow::export(&mut server, &reader, results, &selections)?;
            (summary, format!("open {address}"))
        }
        ExportTarget::TensorBoard(folder) => {
            let summary = tensorboard::export(folder, &reader, results, &selections)?;
            (summary, format!("tensorboard --logdir '{}'", folder.display()))
        }
    };
    let notes = summary.notes.iter().map(|note| format!("note: {note}"));
    for line in notes.chain([summary.to_string(), format!("view them: {advice}")]) {
        anstream::eprintln!("{}", printable(&line));
    }
    Ok(report_damage(&reader, results))
}

impl ExportTarget {
    /// Parses the two values of `--to`.
    fn parse(to: &[OsString]) -> Result<Self> {
        let [tool, place] = to else {
            bail!("--to expects a tool and a folder or address, such as --to mlflow DIR|URL")
        };
        let (tool, text) = (tool.to_string_lossy(), place.to_string_lossy());
        let is_http = text.starts_with("http://") || text.starts_with("https://");
        if text.is_empty() || (text.contains("://") && !(is_http && tool == "mlflow")) {
            let address = if tool == "mlflow" {
                ", or the address of a server such as http://localhost:5000"
            } else {
                ""
            };
            bail!("--to {tool} '{text}': expected a folder{address}");
        }
        match tool.as_ref() {
            "mlflow" if is_http => Ok(Self::MlflowServer(text.into_owned())),
            "mlflow" => Ok(Self::MlflowFolder(place.into())),
            "tensorboard" => Ok(Self::TensorBoard(place.into())),
            tool => bail!("{}", unknown("tool", tool, &["mlflow", "tensorboard"])),
        }
    }

    /// Rejects the results folder and the folders of its experiments, so that files of another tool
    /// do not mix with theirs.
    fn check_folder(&self, reader: &Reader, results: &Path) -> Result<()> {
        let (Self::MlflowFolder(folder) | Self::TensorBoard(folder)) = self else { return Ok(()) };
        let path = resolved(folder)?;
        let results = results.canonicalize()?;
        let is_in_experiment = reader
            .experiments()?
            .iter()
            .any(|experiment| path.starts_with(results.join(&experiment.name)));
        if path == results || is_in_experiment {
            bail!("{} belongs to the results folder: choose another folder", folder.display());
        }
        Ok(())
    }
}

/// The absolute path of `folder` without links. Its last parts need not exist.
fn resolved(folder: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(folder)?;
    let existing =
        path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    Ok(match existing {
        Some((ancestor, real)) => real.join(path.strip_prefix(ancestor).unwrap_or(ancestor)),
        None => path,
    })
}

/// All intact runs that match the conditions, finished or not.
fn select(reader: &Reader, results: &Path, args: &ComparisonArgs) -> Result<Vec<ExportSelection>> {
    let mut selections = Vec::new();
    for matching in read_matching(reader, results, args, RecordedRun::is_intact)? {
        let MatchingRuns { experiment, runs, effective, varying, .. } = matching;
        let runs: Vec<RecordedRun> = runs.into_iter().map(|measured| measured.run).collect();
        check_name(&experiment.name)?;
        for run in &runs {
            check_name(run.id.as_str())?;
            check_name(run.trial.as_str())?;
        }
        selections.push(ExportSelection { experiment, runs, effective, varying });
    }
    Ok(selections)
}

/// Rejects a name that the store does not create. Names become folders, and any program can write
/// to the file of the store.
fn check_name(name: &str) -> Result<()> {
    let is_plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'-');
    ensure!(
        !name.is_empty() && name.bytes().all(is_plain),
        "'{name}' is not a name that the store creates"
    );
    Ok(())
}
