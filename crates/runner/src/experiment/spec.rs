//! An experiment file as written: checked key by key, not yet expanded.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use data::Fraction;
use model::{
    BatchSize, Decay, Epochs, Hyperparameters, Init, LastBatch, LearningRate, OutOfRange, Seed,
};
use tracking::{Declarations, Direction, ExperimentName};

use crate::experiment::diagnostic::{Diagnostic, Place, Source, nearest};
use crate::experiment::file::{self, Entries, Key, Node, Value};
use crate::experiment::range;

/// One experiment, as its file and the `--set` options say.
#[derive(Debug)]
pub struct Spec {
    pub name: ExperimentName,
    pub description: String,
    pub dataset: DatasetSpec,
    pub fallback: Option<DatasetSpec>,
    pub validation: Validation,
    /// The `[metrics]` section.
    pub metrics: Declarations,
    /// What every trial shares; swept hyperparameters have their default here.
    pub base: Hyperparameters,
    /// What varies, in the order of the file.
    pub sweep: Vec<Axis>,
    /// Where the batch size is set, to point at when it does not fit the data.
    pub batch_size_place: Option<Place>,
    /// The file's text.
    pub source: Arc<Source>,
    /// The folder of the file: relative dataset paths start there.
    pub folder: PathBuf,
}

/// A dataset as named, and where.
#[derive(Debug, Clone)]
pub struct DatasetSpec {
    pub name: String,
    pub place: Place,
}

/// What `val_loss` and `val_accuracy` are measured on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Validation {
    /// The test set, as the tutorial does.
    Test,
    /// This fraction of the training set, held out by class with the trial's seed.
    HeldOut(Fraction),
}

impl Validation {
    /// What the store has of it.
    ///
    /// # Errors
    /// When it is none.
    pub fn recorded(text: &str) -> Result<Self, String> {
        if text == "test" {
            return Ok(Self::Test);
        }
        let fraction = text.parse().ok().and_then(|value| Fraction::new(value).ok());
        fraction
            .map(Self::HeldOut)
            .ok_or_else(|| format!("'{}' is no validation", tracking::printable(text)))
    }

    /// In words, with how examples are held out.
    pub fn describe(self) -> String {
        match self {
            Self::Test => "the test set (optimistic for ranking)".to_owned(),
            Self::HeldOut(_) => {
                format!("{self} of the training set, held out by class (stratified)")
            }
        }
    }
}

/// As the store and the trial id have it.
impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => f.write_str("test"),
            Self::HeldOut(fraction) => write!(f, "{:?}", fraction.get()),
        }
    }
}

/// One swept hyperparameter and its values, in order and all different.
#[derive(Debug)]
pub struct Axis {
    pub parameter: Parameter,
    pub values: Vec<Setting>,
    pub place: Place,
}

/// The name of a hyperparameter. [`Parameter::ALL`] is their order in tables and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    LearningRate,
    Decay,
    BatchSize,
    Epochs,
    Seed,
    Init,
    LastBatch,
}

impl Parameter {
    pub const ALL: [Self; 7] = [
        Self::LearningRate,
        Self::Decay,
        Self::BatchSize,
        Self::Epochs,
        Self::Seed,
        Self::Init,
        Self::LastBatch,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::LearningRate => "learning_rate",
            Self::Decay => "decay",
            Self::BatchSize => "batch_size",
            Self::Epochs => "epochs",
            Self::Seed => "seed",
            Self::Init => "init",
            Self::LastBatch => "last_batch",
        }
    }

    fn from_key(key: &Key) -> Result<Self, Diagnostic> {
        Self::ALL
            .into_iter()
            .find(|parameter| parameter.name() == key.name)
            .ok_or_else(|| unknown_key(key, &Self::ALL.map(Self::name)))
    }
}

/// A value for one hyperparameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setting {
    LearningRate(LearningRate),
    Decay(Decay),
    BatchSize(BatchSize),
    Epochs(Epochs),
    Seed(Seed),
    Init(Init),
    LastBatch(LastBatch),
}

impl Setting {
    /// Puts the value in its place.
    pub fn apply(self, hyperparameters: &mut Hyperparameters) {
        match self {
            Self::LearningRate(value) => hyperparameters.learning_rate = value,
            Self::Decay(value) => hyperparameters.decay = value,
            Self::BatchSize(value) => hyperparameters.batch_size = value,
            Self::Epochs(value) => hyperparameters.epochs = value,
            Self::Seed(value) => hyperparameters.seed = value,
            Self::Init(value) => hyperparameters.init = value,
            Self::LastBatch(value) => hyperparameters.last_batch = value,
        }
    }

    /// The value that the store has of a hyperparameter.
    ///
    /// # Errors
    /// When it is none.
    pub fn recorded(parameter: Parameter, value: &tracking::Value) -> Result<Self, String> {
        let wrong = || format!("'{}' is no value of it", tracking::printable(&value.to_string()));
        let out_of_range = |error: OutOfRange| error.to_string();
        match (parameter, value) {
            (Parameter::LearningRate, tracking::Value::Real(it)) => {
                LearningRate::new(*it).map(Self::LearningRate).map_err(out_of_range)
            }
            (Parameter::Decay, tracking::Value::Real(it)) => {
                Decay::new(*it).map(Self::Decay).map_err(out_of_range)
            }
            (Parameter::BatchSize, tracking::Value::Integer(it)) => {
                BatchSize::new(*it).map(Self::BatchSize).map_err(out_of_range)
            }
            (Parameter::Epochs, tracking::Value::Integer(it)) => {
                Epochs::new(*it).map(Self::Epochs).map_err(out_of_range)
            }
            (Parameter::Seed, tracking::Value::Integer(it)) => {
                Seed::new(*it).map(Self::Seed).map_err(out_of_range)
            }
            (Parameter::Init, tracking::Value::Text(it)) => Init::ALL
                .into_iter()
                .find(|init| init.name() == it)
                .map(Self::Init)
                .ok_or_else(wrong),
            (Parameter::LastBatch, tracking::Value::Text(it)) => LastBatch::ALL
                .into_iter()
                .find(|last| last.name() == it)
                .map(Self::LastBatch)
                .ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    fn read(parameter: Parameter, node: &Node) -> Result<Self, Diagnostic> {
        let out_of_range = |error: OutOfRange| wrong_value(parameter.name(), node, &error);
        match parameter {
            Parameter::LearningRate => LearningRate::new(number(parameter, node)?)
                .map(Self::LearningRate)
                .map_err(out_of_range),
            Parameter::Decay => {
                Decay::new(number(parameter, node)?).map(Self::Decay).map_err(out_of_range)
            }
            Parameter::BatchSize => BatchSize::new(integer(parameter.name(), node)?)
                .map(Self::BatchSize)
                .map_err(out_of_range),
            Parameter::Epochs => Epochs::new(integer(parameter.name(), node)?)
                .map(Self::Epochs)
                .map_err(out_of_range),
            Parameter::Seed => {
                Seed::new(integer(parameter.name(), node)?).map(Self::Seed).map_err(out_of_range)
            }
            Parameter::Init => {
                choice(parameter, node, &Init::ALL.map(|it| (it.name(), Self::Init(it))))
            }
            Parameter::LastBatch => {
                choice(parameter, node, &LastBatch::ALL.map(|it| (it.name(), Self::LastBatch(it))))
            }
        }
    }
}

impl Spec {
    /// Reads the experiment file at `path`, each of `sets` (`KEY=VALUE`) laid over it.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or says something that no experiment can mean. Nothing is written.
    pub fn read(path: &Path, sets: &[String]) -> Result<Self> {
        let source = file::read(path)?;
        let mut root = file::parse(&source)?;
        for setting in sets {
            file::overlay(&mut root, setting)?;
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok(Self::from_root(&root, source, folder)?)
    }

    fn from_root(root: &Node, source: Arc<Source>, folder: PathBuf) -> Result<Self, Diagnostic> {
        let top = Section::new(
            "the experiment",
            root,
            &["name", "description", "data", "metrics", "train", "sweep"],
        )?;
        let name = top.required("name", "name = \"batch_sweep\"")?;
        let description = top
            .get("description")
            .map_or(Ok(""), |(_, node)| text("description", node))?
            .to_owned();

        let data_node = top.required("data", "[data]\ndataset = \"mnist\"")?;
        let data =
            Section::new("[data]", data_node, &["dataset", "offline_fallback", "validation"])?;
        let dataset = dataset("dataset", data.required("dataset", "dataset = \"mnist\"")?)?;
        let fallback = data
            .get("offline_fallback")
            .map(|(_, node)| self::dataset("offline_fallback", node))
            .transpose()?;
        let validation =
            data.get("validation").map_or(Ok(Validation::Test), |(_, node)| validation(node))?;

        let metrics =
            top.get("metrics").map_or(Ok(Declarations::default()), |(_, node)| metrics(node))?;

        let train = top.get("train").map_or(Ok(&[][..]), |(_, node)| table("train", node))?;
        let swept = top.get("sweep").map_or(Ok(&[][..]), |(_, node)| table("sweep", node))?;
        refuse_fixed_and_swept(train, swept)?;

        let mut base = Hyperparameters::default();
        for (key, node) in train {
            Setting::read(Parameter::from_key(key)?, node)?.apply(&mut base);
        }
        let sweep = swept.iter().map(|(key, node)| axis(key, node)).collect::<Result<_, _>>()?;
        let batch_size_place = train
            .iter()
            .chain(swept)
            .find(|(key, _)| key.name == "batch_size")
            .map(|(_, node)| node.place.clone());
        let name = experiment_name(name)?;
        Ok(Self {
            name,
            description,
            dataset,
            fallback,
            validation,
            metrics,
            base,
            sweep,
            batch_size_place,
            source,
            folder,
        })
    }
}

/// A table whose keys are known.
struct Section<'a> {
    title: &'a str,
    place: &'a Place,
    entries: &'a [(Key, Node)],
}

impl<'a> Section<'a> {
    fn new(title: &'a str, node: &'a Node, known: &[&str]) -> Result<Self, Diagnostic> {
        let entries = table(title, node)?;
        match entries.iter().find(|(key, _)| !known.contains(&key.name.as_str())) {
            Some((key, _)) => Err(unknown_key(key, known)),
            None => Ok(Self { title, place: &node.place, entries }),
        }
    }

    fn get(&self, name: &str) -> Option<&'a (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.name == name)
    }

    fn required(&self, name: &str, example: &str) -> Result<&'a Node, Diagnostic> {
        self.get(name).map(|(_, node)| node).ok_or_else(|| {
            let start = self.place.span.start;
            let place = Place { source: Arc::clone(&self.place.source), span: start..start };
            Diagnostic::new(
                format!("{} has no '{name}'", self.title),
                &place,
                format!("expected '{name}'"),
            )
            .help(format!("add: {example}").replace('\n', " then "))
        })
    }
}

fn unknown_key(key: &Key, known: &[&str]) -> Diagnostic {
    let label = match nearest(&key.name, known.iter().copied()) {
        Some(candidate) => format!("did you mean '{candidate}'?"),
        None => "not a key that belongs here".to_owned(),
    };
    Diagnostic::new(format!("unknown key '{}'", key.name), &key.place, label)
        .help(format!("expected one of: {}", known.join(", ")))
}

fn refuse_fixed_and_swept(train: &Entries, swept: &Entries) -> Result<(), Diagnostic> {
    let fixed = |name: &str| train.iter().any(|(key, _)| key.name == name);
    match swept.iter().find(|(key, _)| fixed(&key.name)) {
        None => Ok(()),
        Some((key, _)) => Err(Diagnostic::new(
            format!("'{}' is both fixed in [train] and swept in [sweep]", key.name),
            &key.place,
            "expected it in only one of the two",
        )
        .help(format!(
            "remove it from one; to replace a sweep for once: --set sweep.{}=[VALUE]",
            key.name
        ))),
    }
}

fn wrong_type(name: &str, node: &Node, expected: &str) -> Diagnostic {
    Diagnostic::new(
        format!("'{name}' has the wrong type"),
        &node.place,
        format!("expected {expected}, found {}", node.value.type_name()),
    )
}

fn wrong_value(name: &str, node: &Node, error: &OutOfRange) -> Diagnostic {
    Diagnostic::new(format!("'{name}' is out of range"), &node.place, error.to_string())
}

fn table<'a>(name: &str, node: &'a Node) -> Result<&'a Entries, Diagnostic> {
    match &node.value {
        Value::Table(entries) => Ok(entries),
        _ => Err(wrong_type(name, node, "a table")),
    }
}

fn text<'a>(name: &str, node: &'a Node) -> Result<&'a str, Diagnostic> {
    match &node.value {
        Value::Text(text) => Ok(text),
        _ => Err(wrong_type(name, node, "a string")),
    }
}

fn integer(name: &str, node: &Node) -> Result<i64, Diagnostic> {
    match node.value {
        Value::Integer(integer) => Ok(integer),
        _ => Err(wrong_type(name, node, "an integer")),
    }
}

fn number(parameter: Parameter, node: &Node) -> Result<f64, Diagnostic> {
    match node.value {
        #[allow(clippy::cast_precision_loss, reason = "a learning rate written as an integer")]
        Value::Integer(integer) => Ok(integer as f64),
        Value::Float(float) => Ok(float),
        _ => Err(wrong_type(parameter.name(), node, "a number")),
    }
}

fn choice(
    parameter: Parameter,
    node: &Node,
    choices: &[(&'static str, Setting)],
) -> Result<Setting, Diagnostic> {
    let word = text(parameter.name(), node)?;
    if let Some((_, setting)) = choices.iter().find(|(name, _)| *name == word) {
        return Ok(*setting);
    }
    let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let label = format!("expected {}", names.join(" or "));
    Err(Diagnostic::new(
        format!("'{}' does not know \"{word}\"", parameter.name()),
        &node.place,
        label,
    ))
}

fn experiment_name(node: &Node) -> Result<ExperimentName, Diagnostic> {
    ExperimentName::new(text("name", node)?).map_err(|_| {
        let label = format!("expected {}", ExperimentName::EXPECTED);
        Diagnostic::new("'name' cannot name an experiment", &node.place, label)
            .help("the name becomes a folder of the results folder")
    })
}

fn dataset(key: &str, node: &Node) -> Result<DatasetSpec, Diagnostic> {
    let name = text(key, node)?;
    if name.trim().is_empty() {
        let label = "expected mnist, fashion-mnist, kmnist, digits or a folder of IDX files";
        return Err(Diagnostic::new(format!("'{key}' is empty"), &node.place, label));
    }
    Ok(DatasetSpec { name: name.to_owned(), place: node.place.clone() })
}

fn validation(node: &Node) -> Result<Validation, Diagnostic> {
    const EXPECTED: &str =
        "expected \"test\" or a fraction of the training set between 0 and 1, such as 0.1";
    let wrong = || Diagnostic::new("'validation' cannot be used", &node.place, EXPECTED);
    match node.value {
        Value::Text(ref word) if word == "test" => Ok(Validation::Test),
        Value::Float(fraction) => {
            Fraction::new(fraction).map(Validation::HeldOut).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

/// Final metrics of a trial: the values that `rank` and `report` accept.
const METRICS: [&str; 7] = [
    "val_accuracy",
    "val_loss",
    "test_accuracy",
    "test_loss",
    "train_accuracy",
    "train_loss",
    "seconds",
];

fn metrics(node: &Node) -> Result<Declarations, Diagnostic> {
    let section =
        Section::new("[metrics]", node, &["rank", "report", "minimize", "maximize", "replicate"])?;
    let named = |key: &str, known: &[&str]| {
        let name = section.get(key).map(|(_, node)| name_of(key, node, known)).transpose()?;
        Ok(name.map(str::to_owned))
    };
    let mut directions: Vec<(String, Direction)> = Vec::new();
    for direction in [Direction::Minimize, Direction::Maximize] {
        let Some((_, node)) = section.get(direction.as_str()) else { continue };
        let Value::Array(items) = &node.value else {
            return Err(wrong_type(
                direction.as_str(),
                node,
                "a list of names of metrics, such as [\"wer\"]",
            ));
        };
        for item in items {
            let name = text(direction.as_str(), item)?;
            if directions.iter().any(|(known, _)| known == name) {
                let label = "expected each metric once, in one of the two";
                return Err(Diagnostic::new(
                    format!("the direction of '{name}' is given twice"),
                    &item.place,
                    label,
                ));
            }
            directions.push((name.to_owned(), direction));
        }
    }
    Ok(Declarations {
        rank: named("rank", &METRICS)?,
        report: named("report", &METRICS)?,
        replicate: named("replicate", &Parameter::ALL.map(Parameter::name))?,
        directions,
    })
}

/// Reads the text value of `key` and rejects a name that is not in `known`.
fn name_of<'a>(key: &str, node: &'a Node, known: &[&str]) -> Result<&'a str, Diagnostic> {
    let name = text(key, node)?;
    if known.contains(&name) {
        return Ok(name);
    }
    let label = match nearest(name, known.iter().copied()) {
        Some(candidate) => format!("did you mean \"{candidate}\"?"),
        None => "not one that a trial has".to_owned(),
    };
    Err(Diagnostic::new(format!("'{key}' does not know \"{name}\""), &node.place, label)
        .help(format!("expected one of: {}", known.join(", "))))
}

fn axis(key: &Key, node: &Node) -> Result<Axis, Diagnostic> {
    let parameter = Parameter::from_key(key)?;
    let nodes = match &node.value {
        Value::Array(items) if items.is_empty() => {
            let label = "expected at least one value";
            return Err(Diagnostic::new(
                format!("'{}' sweeps over nothing", key.name),
                &node.place,
                label,
            ));
        }
        Value::Array(items) => items.clone(),
        Value::Table(entries) => range::expand(parameter, node, entries)?,
        _ => {
            return Err(wrong_type(
                &key.name,
                node,
                "a list of values, or a range such as { from = 0, to = 2 }",
            ));
        }
    };
    let mut values: Vec<Setting> = Vec::with_capacity(nodes.len());
    let mut seen = std::collections::HashSet::new();
    for item in &nodes {
        let setting = Setting::read(parameter, item)?;
        if !seen.insert(format!("{setting:?}")) {
            let label = "expected each value once";
            return Err(Diagnostic::new(
                format!("'{}' has a value twice", key.name),
                &item.place,
                label,
            ));
        }
        values.push(setting);
    }
    Ok(Axis { parameter, values, place: node.place.clone() })
}

/// Reads the entries of a range: `from`, `to` and the keys that say how to step.
pub fn range_entries<'a>(
    node: &'a Node,
    entries: &'a Entries,
) -> Result<impl Fn(&str) -> Option<&'a Node>, Diagnostic> {
    const KNOWN: [&str; 5] = ["from", "to", "step", "count", "scale"];
    if let Some((key, _)) = entries.iter().find(|(key, _)| !KNOWN.contains(&key.name.as_str())) {
        return Err(unknown_key(key, &KNOWN));
    }
    for name in ["from", "to"] {
        if !entries.iter().any(|(key, _)| key.name == name) {
            return Err(Diagnostic::new(
                format!("the range has no '{name}'"),
                &node.place,
                "expected { from = …, to = … }",
            ));
        }
    }
    Ok(move |name: &str| entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node))
}
