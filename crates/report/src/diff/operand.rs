//! Finds what the operands of `report diff` name: a run, or runs of an experiment.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Error, Result, anyhow, bail};
use tracking::filter::Condition;
use tracking::typed_name::{nearest, unknown};
use tracking::{DATABASE, FindError, Reader, RecordedRun};

use super::address::Address;
use super::version::{Version, find_version};
use crate::query::store;

/// An open results folder.
pub struct Folder {
    pub path: PathBuf,
    pub reader: Reader,
    /// Whether an operand names the folder.
    pub is_named: bool,
}

impl Folder {
    fn open(path: &Path, is_named: bool) -> Result<Self> {
        Ok(Self { path: path.to_owned(), reader: store::open(path)?, is_named })
    }

    /// The names of the experiments.
    fn experiments(&self) -> Result<Vec<String>> {
        Ok(self.reader.experiments()?.into_iter().map(|experiment| experiment.name).collect())
    }
}

/// One side of a comparison.
pub struct Operand {
    pub folder: Rc<Folder>,
    pub what: What,
}

/// The selection of an operand.
pub enum What {
    /// A run, named by its id or by the id of its trial.
    Run(Box<RecordedRun>),
    /// The effective runs of an experiment.
    Runs(Box<Selection>),
}

/// The selected runs of an experiment.
pub struct Selection {
    pub experiment: String,
    /// The version that made the runs; `None` for the newest program.
    pub version: Option<Version>,
    /// The condition that the runs match, and its text.
    pub condition: Option<(Condition, String)>,
}

/// Resolves the two operands. `results` is the folder of operands that name none.
///
/// # Errors
/// If an operand names nothing or is ambiguous, or a store cannot be read.
pub fn resolve(results: &Path, texts: [&str; 2]) -> Result<[Operand; 2]> {
    let [left, right] = texts.map(|text| Found::of(results, text));
    let (left, mut right) = (left?, right?);
    if left.folder.path == right.folder.path {
        right.folder = Rc::clone(&left.folder);
    }
    let [of_left, of_right] = [left.experiments()?, right.experiments()?];
    Ok([left.operand(&of_left, &of_right)?, right.operand(&of_right, &of_left)?])
}

/// An operand whose experiment may be unknown yet.
struct Found {
    folder: Rc<Folder>,
    what: FoundWhat,
}

enum FoundWhat {
    Run(Box<RecordedRun>),
    Address(Box<Address>),
}

impl Found {
    fn of(results: &Path, text: &str) -> Result<Self> {
        let usual = Folder::open(results, false);
        let names = usual.as_ref().map_or_else(|_| Ok(Vec::new()), Folder::experiments)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (folder, what) = match Address::parse(text, &names)? {
            Some(address) => {
                let folder = match &address.folder {
                    Some(path) => Folder::open(path, true)?,
                    None => usual?,
                };
                (folder, FoundWhat::Address(Box::new(address)))
            }
            None => {
                let folder = usual.map_err(|error| match text.contains('/') {
                    true => no_results_folder(text),
                    false => error,
                })?;
                let run = find_run(&folder, text, &names)?;
                (folder, FoundWhat::Run(Box::new(run)))
            }
        };
        Ok(Self { folder: Rc::new(folder), what })
    }

    /// The experiments that the operand can mean.
    fn experiments(&self) -> Result<Vec<String>> {
        match &self.what {
            FoundWhat::Run(run) => Ok(vec![run.experiment.clone()]),
            FoundWhat::Address(address) => match &address.experiment {
                Some(name) => Ok(vec![name.clone()]),
                None => self.folder.experiments(),
            },
        }
    }

    /// The operand. `own` and `others` are the experiments that this side and the other can mean.
    fn operand(self, own: &[String], others: &[String]) -> Result<Operand> {
        let address = match self.what {
            FoundWhat::Run(run) => {
                return Ok(Operand { folder: self.folder, what: What::Run(run) });
            }
            FoundWhat::Address(address) => address,
        };
        let known = self.folder.experiments()?;
        let name = choose_experiment(&self.folder.path, own, others)?;
        if !known.contains(&name) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            bail!("{}", unknown("experiment", &name, &known));
        }
        let reader = &self.folder.reader;
        let version = address.version.map(|prefix| find_version(reader, &name, &prefix));
        let version = version.transpose()?;
        let selection = Selection { experiment: name, version, condition: address.condition };
        Ok(Operand { folder: self.folder, what: What::Runs(Box::new(selection)) })
    }
}

/// The only experiment of `own`, or else the only one that is also in `others`.
fn choose_experiment(folder: &Path, own: &[String], others: &[String]) -> Result<String> {
    let common: Vec<&String> = own.iter().filter(|name| others.contains(name)).collect();
    match (own, common.as_slice()) {
        ([only], _) => Ok(only.clone()),
        (_, [only]) => Ok((*only).clone()),
        ([], _) => bail!("no experiment in {} yet", folder.display()),
        _ => bail!(
            "{} has several experiments: name one of {}, as in EXPERIMENT:CONDITION or \
             FOLDER/EXPERIMENT",
            folder.display(),
            own.join(", ")
        ),
    }
}

/// Finds the run or trial that `text` means, which names nothing else.
fn find_run(folder: &Folder, text: &str, experiments: &[&str]) -> Result<RecordedRun> {
    let name = text.split(['@', ':']).next().unwrap_or_default();
    // The id of a run that several experiments have is EXPERIMENT/ID.
    let is_path = text.split_once('/').is_some_and(|(first, _)| !experiments.contains(&first));
    if name != text && !is_path {
        bail!("{}", unknown("experiment", name, experiments));
    }
    match folder.reader.find(text) {
        Ok(run) => Ok(run),
        Err(FindError::NotFound(_)) if is_path => Err(no_results_folder(text)),
        Err(error @ FindError::NotFound(_)) => bail!(
            "{error} in {}, and no experiment has that name: {}",
            folder.path.display(),
            suggestion(&folder.reader, text, experiments)
        ),
        Err(error) => Err(error.into()),
    }
}

fn no_results_folder(text: &str) -> Error {
    anyhow!(
        "'{text}' is no results folder: expected FOLDER or FOLDER/EXPERIMENT, with the store \
         FOLDER/{DATABASE}"
    )
}

/// Suggests operands similar to `text`, which is none.
fn suggestion(reader: &Reader, text: &str, experiments: &[&str]) -> String {
    let is_version = |name: &&&str| find_version(reader, name, text).is_ok();
    if let Some(name) = experiments.iter().find(is_version).filter(|_| !text.is_empty()) {
        return format!("did you mean '{name}@{text}'?");
    }
    let hint = nearest(text, experiments.iter().copied())
        .map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
    format!(
        "expected an id, an experiment (one of {}), EXPERIMENT@VERSION, EXPERIMENT:CONDITION, or a \
         results folder{hint}",
        experiments.join(", ")
    )
}
