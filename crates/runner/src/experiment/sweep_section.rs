//! The `[sweep]` section, or several `[[sweep]]`: which hyperparameters vary, and how.

use crate::experiment::axis::{Axis, SETTINGS, ZIP};
use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::exclude::Exclude;
use crate::experiment::file::{Key, Node, Table, Value, entry, flattened};
use crate::experiment::learner::Learner;
use crate::experiment::race_section::RaceSection;
use crate::experiment::range;
use crate::experiment::sample::{Dimension, Sample};
use crate::experiment::section::{reject_duplicates, table};
use crate::experiment::space::Space;

/// One sweep, as the file writes it.
#[derive(Debug)]
pub struct SweepSection {
    /// The hyperparameters and `zip`, in the order of the file.
    swept: Table,
    settings: Table,
    span: SourceSpan,
}

impl SweepSection {
    /// Reads every sweep of the experiment `root`. Without the section, one sweep has the only
    /// trial.
    pub fn read_all(root: &Node) -> Result<Vec<Self>, Diagnostic> {
        match root.entry("sweep") {
            None => Ok(vec![Self::empty(&root.span)]),
            Some(Node { value: Value::Array(items), .. }) if !items.is_empty() => {
                items.iter().map(Self::read).collect()
            }
            Some(node) => Ok(vec![Self::read(node)?]),
        }
    }

    fn empty(span: &SourceSpan) -> Self {
        Self { swept: Table::new(), settings: Table::new(), span: span.clone() }
    }

    fn read(node: &Node) -> Result<Self, Diagnostic> {
        let mut section = Self::empty(&node.span);
        for entry @ (key, _) in table("sweep", node)? {
            match &*key.name {
                ZIP => section.swept.push(entry.clone()),
                name if SETTINGS.contains(&name) => section.settings.push(entry.clone()),
                _ => section.swept.extend(flattened(std::slice::from_ref(entry))),
            }
        }
        Ok(section)
    }

    /// Sweeps a hyperparameter over `values`, unless the file sweeps it.
    pub fn add_default(&mut self, key: &Key, values: &Node) {
        let has_key = |table: &Table| table.iter().any(|(known, _)| known.name == key.name);
        let is_zipped = |(known, node): &(Key, Node)| match &node.value {
            Value::Table(lists) => known.name == ZIP && has_key(&flattened(lists)),
            _ => false,
        };
        if !has_key(&self.swept) && !self.swept.iter().any(is_zipped) {
            self.swept.push((key.clone(), values.clone()));
        }
    }

    /// The hyperparameters of the sweep, each once, also those in its `zip`.
    pub fn hyperparameters(&self) -> Result<Table, Diagnostic> {
        let mut hyperparameters = Table::new();
        for entry @ (key, node) in &self.swept {
            match &*key.name {
                ZIP => hyperparameters.extend(flattened(table(ZIP, node)?)),
                _ => hyperparameters.push(entry.clone()),
            }
        }
        reject_duplicates(&hyperparameters)?;
        Ok(hyperparameters)
    }

    /// The hyperparameters of all `sweeps`.
    pub fn all_hyperparameters(sweeps: &[Self]) -> Result<Table, Diagnostic> {
        Ok(sweeps.iter().map(Self::hyperparameters).collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// The spaces of `sweeps`. The hyperparameters `replicates` are never sampled.
    pub fn spaces(
        sweeps: &[Self],
        learner: &dyn Learner,
        replicates: &[&str],
        race: Option<&RaceSection>,
    ) -> Result<Vec<Space>, Diagnostic> {
        let mut combinations = 0;
        let space = |sweep: &Self| {
            let space = sweep.space(learner, replicates, race)?;
            combinations = space.limit(combinations)?;
            Ok(space)
        };
        sweeps.iter().map(space).collect()
    }

    fn space(
        &self,
        learner: &dyn Learner,
        replicates: &[&str],
        race: Option<&RaceSection>,
    ) -> Result<Space, Diagnostic> {
        let mut space = Space::new(self.span.clone());
        let sample = Sample::read(&self.settings)?;
        let is_replicate = |key: &Key| replicates.contains(&key.name.as_str());
        let is_sampled = |(key, node): &&(Key, Node)| match &node.value {
            _ if sample.is_none() => false,
            Value::Table(lists) if key.name == ZIP => {
                !lists.iter().any(|(key, _)| is_replicate(key))
            }
            _ => !is_replicate(key) && !range::has_count(node),
        };
        if let Some(sample) = &sample {
            let sampled = self.swept.iter().filter(is_sampled);
            let dimensions = sampled.map(|(key, node)| Dimension::read(key, node, learner));
            // The points vary slowest, so that more points add trials to the end of the plan.
            space.cross(sample.axis(dimensions.collect::<Result<_, _>>()?, learner)?)?;
        }
        for (key, node) in self.swept.iter().filter(|entry| !is_sampled(entry)) {
            let axis = Axis::read(key, node, learner)?;
            space.cross(match race.filter(|race| axis.names.contains(&race.replicate)) {
                Some(race) => race.seeds(axis, learner)?,
                None => axis,
            })?;
        }
        if let Some(node) = entry(&self.settings, "exclude") {
            let names = learner.hyperparameters();
            let names: Vec<&str> = names.iter().map(|parameter| &*parameter.name).collect();
            space.exclude(Exclude::read(node, &names)?);
        }
        Ok(space)
    }
}
