//! `report export --to`: the store's runs for other tools.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tracking::{Reader, printable};

use crate::cli::ComparisonArgs;
use crate::export::tools::mlflow::{self, Database, Server};
use crate::export::tools::{Selection, tensorboard, varying};
use crate::filter::Condition;
use crate::query::store;
use crate::runs::{FACTS, MeasuredRun, measured_at_end, metric_names, param_names};
use crate::suggestion::unknown;

/// What runs are handed to.
#[derive(Debug)]
enum Target {
    /// A folder that MLflow opens.
    MlflowFolder(PathBuf),
    /// The address of a server of MLflow's.
    MlflowServer(String),
    /// A folder that TensorBoard opens.
    TensorBoard(PathBuf),
}

/// Hands the runs asked for to another tool, and says how to look at them there.
pub fn export_to(results: &Path, to: &[OsString], args: &ComparisonArgs) -> Result<ExitCode> {
    let target = Target::of(to)?;
    super::export::only_selects(args)?;
    let reader = store::open(results)?;
    target.check(&reader, results)?;
    let selections = select(&reader, results, args)?;
    let (tally, advice) = match &target {
        Target::MlflowFolder(folder) => {
            let mut place = Database::open(folder)?;
            let folder = folder.canonicalize()?.join("mlflow.db");
            let advice = format!("mlflow ui --backend-store-uri 'sqlite:///{}'", folder.display());
            (mlflow::export(&mut place, &reader, results, &selections)?, advice)
        }
        Target::MlflowServer(address) => {
            let tally = mlflow::export(&mut Server::new(address)?, &reader, results, &selections)?;
            (tally, format!("open {address}"))
        }
        Target::TensorBoard(folder) => {
            let tally = tensorboard::export(folder, &reader, results, &selections)?;
            (tally, format!("tensorboard --logdir '{}'", folder.display()))
        }
    };
    let notes = tally.notes.iter().map(|note| format!("note: {note}"));
    for line in notes.chain([tally.to_string(), format!("to look at them: {advice}")]) {
        anstream::eprintln!("{}", printable(&line));
    }
    Ok(super::report_damage(&reader, results))
}

impl Target {
    /// The kind and the place that follow `--to`.
    fn of(to: &[OsString]) -> Result<Self> {
        let [kind, place] = to else {
            bail!("--to takes what the runs are handed to, and where: --to mlflow DIR|URL")
        };
        let (kind, text) = (kind.to_string_lossy(), place.to_string_lossy());
        let is_server = text.starts_with("http://") || text.starts_with("https://");
        if text.is_empty() || (text.contains("://") && !(is_server && kind == "mlflow")) {
            let server = if kind == "mlflow" {
                ", or the address of a server as http://localhost:5000"
            } else {
                ""
            };
            bail!("--to {kind} '{text}': expected a folder{server}");
        }
        match kind.as_ref() {
            "mlflow" if is_server => Ok(Self::MlflowServer(text.into_owned())),
            "mlflow" => Ok(Self::MlflowFolder(place.into())),
            "tensorboard" => Ok(Self::TensorBoard(place.into())),
            stranger => bail!("{}", unknown("tool", stranger, &["mlflow", "tensorboard"])),
        }
    }

    /// Another tool's files are not to lie among those of the results folder.
    fn check(&self, reader: &Reader, results: &Path) -> Result<()> {
        let (Self::MlflowFolder(folder) | Self::TensorBoard(folder)) = self else { return Ok(()) };
        let place = std::path::absolute(folder)?;
        let there = place.ancestors().find_map(|it| Some((it, it.canonicalize().ok()?)));
        let place = there.map_or_else(
            || place.clone(),
            |(it, real)| real.join(place.strip_prefix(it).unwrap_or(it)),
        );
        let results = results.canonicalize()?;
        let of_experiment = |name: &str| place.starts_with(results.join(name));
        if place == results || reader.experiments()?.iter().any(|it| of_experiment(&it.name)) {
            bail!("{} belongs to the results folder: choose another folder", folder.display());
        }
        Ok(())
    }
}

/// Every run that is as it was recorded and that all conditions hold of, whether it ended or not.
fn select(reader: &Reader, results: &Path, args: &ComparisonArgs) -> Result<Vec<Selection>> {
    let conditions =
        args.conditions.iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut found: Vec<(Selection, Vec<MeasuredRun>)> = Vec::new();
    for experiment in crate::query::select_experiments(reader, results, &args.experiments)? {
        // What is damaged is said of the runs that count.
        let counting = reader.runs(&experiment.name)?.into_iter().map(|run| run.id).collect();
        let whole =
            reader.all_runs(&experiment.name)?.into_iter().filter(|run| run.is_intact()).collect();
        let runs = measured_at_end(reader, whole)?;
        let varying = varying(&runs);
        found.push((Selection { experiment, runs: Vec::new(), counting, varying }, runs));
    }
    let runs = || found.iter().flat_map(|(_, runs)| runs);
    if runs().next().is_some() {
        let keys: Vec<&str> =
            param_names(runs()).into_iter().chain(metric_names(runs())).chain(FACTS).collect();
        conditions.iter().try_for_each(|condition| condition.check(&keys))?;
    }
    let chosen = found.into_iter().map(|(mut selection, runs)| {
        let holds = |run: &MeasuredRun| conditions.iter().all(|condition| condition.holds(run));
        selection.runs = runs.into_iter().filter(holds).map(|it| it.run).collect();
        selection
    });
    let chosen: Vec<Selection> = chosen.filter(|selection| !selection.runs.is_empty()).collect();
    for selection in &chosen {
        plain(&selection.experiment.name)?;
        selection
            .runs
            .iter()
            .try_for_each(|run| plain(run.id.as_str()).and_then(|()| plain(run.trial.as_str())))?;
    }
    Ok(chosen)
}

/// A store is a file that anybody can write, and these names become folders.
fn plain(name: &str) -> Result<()> {
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'-');
    let is_plain = !name.is_empty() && name.bytes().all(plain);
    is_plain.then_some(()).with_context(|| format!("'{name}' is no name that the store gives"))
}
