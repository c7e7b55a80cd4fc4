//! An experiment file as valid domain types, not yet expanded into trials.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use data::Fraction;
use tracking::{Declarations, ExperimentName};

use crate::experiment::axis::{Axis, find, read_value};
use crate::experiment::diagnostic::{Diagnostic, Source, SourceSpan};
use crate::experiment::file::{self, Entries, Node, Value};
use crate::experiment::learner::{Learner, Params};
use crate::experiment::metrics;
use crate::experiment::section::{Section, table, text};
use crate::experiment::validation::Validation;

/// One experiment, as its file and the `--set` options define it.
#[derive(Debug)]
pub struct Spec {
    pub name: ExperimentName,
    pub description: String,
    pub dataset: NamedDataset,
    pub fallback: Option<NamedDataset>,
    pub validation: Validation,
    /// The `[metrics]` section.
    pub metrics: Declarations,
    /// The values that all trials share. A swept hyperparameter has its default here.
    pub base: Params,
    /// The swept hyperparameters, in the order of the file.
    pub sweep: Vec<Axis>,
    /// Where the file sets each hyperparameter, for errors that concern the whole plan.
    pub spans: HashMap<String, SourceSpan>,
    pub source: Arc<Source>,
}

/// A dataset, and where the file names it.
#[derive(Debug, Clone)]
pub struct NamedDataset {
    pub source: data::Source,
    pub span: SourceSpan,
}

impl NamedDataset {
    /// Reads the value of `key`. A relative path starts at `folder`, the folder of the file.
    fn read(key: &str, node: &Node, folder: &Path) -> Result<Self, Diagnostic> {
        let source = data::Source::parse(text(key, node)?, folder).map_err(|error| {
            Diagnostic::new(format!("invalid '{key}'"), &node.span, error.to_string())
        })?;
        Ok(Self { source, span: node.span.clone() })
    }
}

impl Spec {
    /// Reads the experiment file at `path`. Each of `sets` (`KEY=VALUE`) replaces one setting.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or is not a valid experiment for `learner`.
    pub fn read(path: &Path, sets: &[String], learner: &dyn Learner) -> Result<Self> {
        let source = file::read(path)?;
        let mut root = file::parse(&source)?;
        for setting in sets {
            file::overlay(&mut root, setting)?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self::from_root(&root, source, folder, learner)?)
    }

    /// The metric that ranks trials. By default the validation accuracy if examples are held out, so
    /// that the choice does not use the test set.
    pub fn ranking_metric(&self) -> &str {
        self.metrics.rank.as_deref().unwrap_or(match self.validation {
            Validation::Test => "test_accuracy",
            Validation::HeldOut(_) => "val_accuracy",
        })
    }

    fn from_root(
        root: &Node,
        source: Arc<Source>,
        folder: &Path,
        learner: &dyn Learner,
    ) -> Result<Self, Diagnostic> {
        const KEYS: [&str; 6] = ["name", "description", "data", "metrics", "train", "sweep"];
        let top = Section::new("the experiment", root, &KEYS)?;
        let name = top.required("name", "name = \"batch_sweep\"")?;
        let description =
            top.get("description").map_or(Ok(""), |node| text("description", node))?.to_owned();

        let data = top.required("data", "[data]\ndataset = \"mnist\"")?;
        let data = Section::new("[data]", data, &["dataset", "offline_fallback", "validation"])?;
        let named = |key, node| NamedDataset::read(key, node, folder);
        let dataset = named("dataset", data.required("dataset", "dataset = \"mnist\"")?)?;
        let fallback = data.get("offline_fallback");
        let fallback = fallback.map(|node| named("offline_fallback", node)).transpose()?;
        let validation = data.get("validation").map_or(Ok(Validation::Test), validation)?;

        let metrics = top.get("metrics");
        let metrics =
            metrics.map_or(Ok(Declarations::default()), |node| metrics::read(node, learner))?;

        let train = top.get("train").map_or(Ok(&[][..]), |node| table("train", node))?;
        let swept = top.get("sweep").map_or(Ok(&[][..]), |node| table("sweep", node))?;
        reject_fixed_and_swept(train, swept)?;
        let base = base(train, learner)?;
        let axes = swept.iter().map(|(key, node)| Axis::read(key, node, learner));
        let sweep = axes.collect::<Result<_, _>>()?;
        let spans = train.iter().chain(swept);
        let spans = spans.map(|(key, node)| (key.name.clone(), node.span.clone())).collect();
        Ok(Self {
            name: experiment_name(name)?,
            description,
            dataset,
            fallback,
            validation,
            metrics,
            base,
            sweep,
            spans,
            source,
        })
    }
}

/// The values of `[train]`, and the defaults of all other hyperparameters.
fn base(train: &Entries, learner: &dyn Learner) -> Result<Params, Diagnostic> {
    let mut fixed = HashMap::new();
    for (key, node) in train {
        let hyperparameter = find(key, learner)?;
        fixed.insert(hyperparameter.name, read_value(&hyperparameter, node, learner)?);
    }
    let named = learner.hyperparameters().into_iter().map(|hyperparameter| {
        let value = fixed.remove(hyperparameter.name).unwrap_or(hyperparameter.default);
        (hyperparameter.name.to_owned(), value)
    });
    Ok(named.collect())
}

fn reject_fixed_and_swept(train: &Entries, swept: &Entries) -> Result<(), Diagnostic> {
    let fixed = |name: &str| train.iter().any(|(key, _)| key.name == name);
    match swept.iter().find(|(key, _)| fixed(&key.name)) {
        None => Ok(()),
        Some((key, _)) => Err(Diagnostic::new(
            format!("'{}' is both fixed in [train] and swept in [sweep]", key.name),
            &key.span,
            "expected it in only one of the two",
        )
        .help(format!(
            "remove it from one; to override a sweep in one command: --set sweep.{}=[VALUE]",
            key.name
        ))),
    }
}

fn experiment_name(node: &Node) -> Result<ExperimentName, Diagnostic> {
    ExperimentName::new(text("name", node)?).map_err(|_| {
        let label = format!("expected {}", ExperimentName::EXPECTED);
        Diagnostic::new("invalid experiment name", &node.span, label)
            .help("the name becomes a folder of the results folder")
    })
}

fn validation(node: &Node) -> Result<Validation, Diagnostic> {
    const EXPECTED: &str =
        "expected \"test\" or a fraction of the training set between 0 and 1, such as 0.1";
    let wrong = || Diagnostic::new("invalid value of 'validation'", &node.span, EXPECTED);
    match node.value {
        Value::Text(ref word) if word == "test" => Ok(Validation::Test),
        Value::Float(fraction) => {
            Fraction::new(fraction).map(Validation::HeldOut).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}
