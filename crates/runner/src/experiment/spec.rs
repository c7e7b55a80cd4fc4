//! An experiment file as valid domain types, not yet expanded into trials.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tracking::{Declarations, ExperimentName, REPLICATES};

use crate::experiment::axis::{find, read_value};
use crate::experiment::data_section::DataSection;
use crate::experiment::diagnostic::{Diagnostic, Source, SourceSpan};
use crate::experiment::file::{self, Entries, Node, flattened};
use crate::experiment::learner::{Learner, Params};
use crate::experiment::metrics;
use crate::experiment::program_learner::ProgramLearner;
use crate::experiment::program_section::ProgramSection;
use crate::experiment::race_section::RaceSection;
use crate::experiment::section::{Section, reject_duplicates, table, text};
use crate::experiment::space::Space;
use crate::experiment::sweep_section::SweepSection;
use crate::experiment::validation::Validation;

/// One experiment, as its file and the `--set` options define it.
#[derive(Debug)]
pub struct Spec {
    pub name: ExperimentName,
    pub description: String,
    /// What the trials train.
    pub trained: Trained,
    /// The hyperparameters of what the trials train.
    pub learner: Arc<dyn Learner>,
    /// The `[metrics]` section.
    pub metrics: Declarations,
    /// The `[race]` section.
    pub race: Option<RaceSection>,
    /// The values that all trials share. A swept hyperparameter has its default here.
    pub base: Params,
    /// The space of each sweep, in the order of the file. Together they are the plan.
    pub spaces: Vec<Space>,
    /// Where the file sets each hyperparameter, for errors that concern the whole plan.
    pub spans: HashMap<String, SourceSpan>,
    pub source: Arc<Source>,
}

/// What the trials of an experiment train.
#[derive(Debug)]
pub enum Trained {
    /// The built-in model, on this data.
    BuiltIn(DataSection),
    Program(Arc<ProgramSection>),
}

impl Trained {
    /// The number of trials at a time that the file asks for.
    pub fn jobs(&self) -> Option<u32> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Program(program) => Some(program.jobs),
        }
    }

    /// The key of the file that defines it.
    pub fn span(&self) -> &SourceSpan {
        match self {
            Self::BuiltIn(data) => &data.dataset.span,
            Self::Program(program) => &program.span,
        }
    }
}

impl Spec {
    /// Reads the experiment file at `path`. Each of `sets` (`KEY=VALUE`) replaces one setting.
    /// `built_in` has the hyperparameters of the built-in model.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or is not a valid experiment.
    pub fn read(path: &Path, sets: &[String], built_in: Arc<dyn Learner>) -> Result<Self> {
        let source = file::read(path)?;
        let mut root = file::parse(&source)?;
        for setting in sets {
            file::overlay(&mut root, setting)?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self::from_root(&root, source, folder, built_in)?)
    }

    /// The metric that ranks trials, if it is known before the training. By default the validation
    /// accuracy if examples are held out, so that the choice does not use the test set.
    pub fn ranking_metric(&self) -> Option<&str> {
        self.metrics.rank.as_deref().or(match &self.trained {
            Trained::BuiltIn(DataSection { validation: Validation::Test, .. }) => {
                Some("test_accuracy")
            }
            Trained::BuiltIn(_) => Some("val_accuracy"),
            Trained::Program(_) => None,
        })
    }

    /// The text of the file, without the values of environment variables.
    pub fn recorded_text(&self) -> String {
        file::without_env_values(&self.source.text)
    }

    fn from_root(
        root: &Node,
        source: Arc<Source>,
        folder: &Path,
        built_in: Arc<dyn Learner>,
    ) -> Result<Self, Diagnostic> {
        const KEYS: [&str; 8] =
            ["name", "description", "data", "program", "metrics", "train", "sweep", "race"];
        let top = Section::new("the experiment", root, &KEYS)?;
        let name = top.required("name", "name = \"batch_sweep\"")?;
        let description =
            top.get("description").map_or(Ok(""), |node| text("description", node))?.to_owned();

        let train = top.get("train").map_or(Ok(&[][..]), |node| table("train", node))?;
        let train = flattened(train);
        reject_duplicates(&train)?;
        let mut sweeps = SweepSection::read_all(root)?;
        let race = RaceSection::read(root, &train, &SweepSection::all_hyperparameters(&sweeps)?)?;
        if let Some(race) = &race {
            let (key, values) = race.default_seeds();
            sweeps.iter_mut().for_each(|sweep| sweep.add_default(&key, &values));
        }
        let swept = SweepSection::all_hyperparameters(&sweeps)?;
        reject_fixed_and_swept(&train, &swept)?;
        let (trained, learner) = trained(&top, folder, &train, &swept, built_in)?;

        let metrics = top.get("metrics");
        let metrics =
            metrics.map_or(Ok(Declarations::default()), |node| metrics::read(node, &*learner))?;
        let base = base(&train, &*learner)?;
        let replicates = metrics.replicate.as_deref();
        let replicates = replicates.map_or(REPLICATES.to_vec(), |name| vec![name]);
        let spaces = SweepSection::spaces(&sweeps, &*learner, &replicates, race.as_ref())?;
        let spans = train.iter().chain(&swept);
        let spans = spans.map(|(key, node)| (key.name.clone(), node.span.clone())).collect();
        Ok(Self {
            name: experiment_name(name)?,
            description,
            trained,
            learner,
            metrics,
            race,
            base,
            spaces,
            spans,
            source,
        })
    }
}

/// Reads `[program]`, or else `[data]`.
fn trained(
    top: &Section<'_>,
    folder: &Path,
    train: &Entries,
    swept: &Entries,
    built_in: Arc<dyn Learner>,
) -> Result<(Trained, Arc<dyn Learner>), Diagnostic> {
    let Some(program) = top.get("program") else {
        let data = top.required("data", "[data]\ndataset = \"mnist\"")?;
        return Ok((Trained::BuiltIn(DataSection::read(data, folder)?), built_in));
    };
    if let Some(data) = top.get("data") {
        let message = "the file has both [data] and [program]";
        let label = "expected one of them: [data] belongs to the built-in model";
        return Err(Diagnostic::new(message, &data.span, label));
    }
    let program = ProgramSection::read(program, folder, train, swept)?;
    Ok((Trained::Program(Arc::new(program)), Arc::new(ProgramLearner::new(train, swept))))
}

/// The values of `[train]`, and the defaults of all other hyperparameters.
fn base(train: &Entries, learner: &dyn Learner) -> Result<Params, Diagnostic> {
    let mut fixed = HashMap::new();
    for (key, node) in train {
        let hyperparameter = find(key, learner, &[])?;
        let value = read_value(&hyperparameter, node, learner)?;
        fixed.insert(hyperparameter.name, value);
    }
    let named = learner.hyperparameters().into_iter().filter_map(|hyperparameter| {
        let value = fixed.remove(&hyperparameter.name).or(hyperparameter.default)?;
        Some((hyperparameter.name, value))
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
