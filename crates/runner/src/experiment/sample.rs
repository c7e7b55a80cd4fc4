//! The settings `sample`, `sampler` and `sample_seed` of a sweep: points of its space instead of all
//! combinations.

use tracking::Value;

use crate::experiment::axis::{Axis, SETTINGS, find, read_value};
use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{self, Entries, Key, Node, entry};
use crate::experiment::learner::{Hyperparameter, Learner};
use crate::experiment::range::Interval;
use crate::experiment::sampler::Sampler;
use crate::experiment::section::{known_name, wrong_type};

/// How many points of a space are chosen, and how.
pub struct Sample<'a> {
    node: &'a Node,
    points: u32,
    sampler: Sampler,
    seed: u32,
}

/// One dimension of a sampled space.
pub enum Dimension {
    /// A list, or the lists of a `zip`.
    Listed(Axis),
    Range(SampledRange),
}

/// A range without a number of values.
pub struct SampledRange {
    hyperparameter: Hyperparameter,
    interval: Interval,
    span: SourceSpan,
}

impl<'a> Sample<'a> {
    /// Reads the settings of a sweep.
    pub fn read(settings: &'a Entries) -> Result<Option<Self>, Diagnostic> {
        let [sample, sampler, seed] =
            ["sample", "sampler", "sample_seed"].map(|name| entry(settings, name));
        let Some(node) = sample else {
            let alone = settings.iter().find(|(key, _)| key.name.starts_with("sample"));
            return alone.map_or(Ok(None), |(key, _)| Err(without_sample(key)));
        };
        let sampler = sampler.map_or(Ok(Sampler::Sobol), |node| {
            let names = Sampler::ALL.map(Sampler::name);
            let name = known_name("sampler", node, &names)?;
            let named = Sampler::ALL.into_iter().find(|sampler| sampler.name() == name);
            Ok(named.unwrap_or(Sampler::Sobol))
        })?;
        let points = integer("sample", node, 1, sampler.max_points()).map_err(|error| {
            let [sobol, random] = Sampler::ALL.map(Sampler::max_points);
            error.help(format!("the sampler sobol has {sobol} points, and random has {random}"))
        })?;
        let seed = seed.map_or(Ok(0), |node| integer("sample_seed", node, 0, u32::MAX))?;
        Ok(Some(Self { node, points, sampler, seed }))
    }

    /// The points, as hyperparameters that vary together. The dimensions are ordered by name, so
    /// that the order of the keys in the file does not matter.
    pub fn axis(
        &self,
        mut dimensions: Vec<Dimension>,
        learner: &dyn Learner,
    ) -> Result<Axis, Diagnostic> {
        dimensions.sort_by(|a, b| a.names().iter().min().cmp(&b.names().iter().min()));
        let span = &self.node.span;
        let count = u32::try_from(dimensions.len()).unwrap_or(u32::MAX);
        if count == 0 {
            let label = "expected a list of values, or a range without 'count', beside this";
            return Err(Diagnostic::new("there is nothing to sample", span, label)
                .help("replicates such as seed, and ranges with 'count', are crossed instead"));
        }
        if let Some(most) = self.sampler.max_dimensions().filter(|most| count > *most) {
            let label = format!("a Sobol sequence has at most {most} dimensions, found {count}");
            return Err(Diagnostic::new("the sample has too many dimensions", span, label)
                .help("sampler = \"random\" has no limit of dimensions"));
        }
        let row = |index| {
            let point = self.sampler.point(self.seed, index, count);
            let parts = dimensions.iter().zip(point);
            let parts = parts.map(|(dimension, coordinate)| dimension.at(coordinate, learner));
            Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
        };
        Ok(Axis {
            names: dimensions.iter().flat_map(Dimension::names).cloned().collect(),
            rows: (0..self.points).map(row).collect::<Result<_, _>>()?,
            span: span.clone(),
        })
    }
}

impl Dimension {
    /// Reads a list, or a range without `count`.
    pub fn read(key: &Key, node: &Node, learner: &dyn Learner) -> Result<Self, Diagnostic> {
        if !node.is_range() {
            return Ok(Self::Listed(Axis::read(key, node, learner)?));
        }
        let hyperparameter = find(key, learner, &SETTINGS)?;
        let (interval, bounds) = Interval::read(&hyperparameter, node)?;
        for bound in bounds {
            read_value(&hyperparameter, bound, learner)?;
        }
        Ok(Self::Range(SampledRange { hyperparameter, interval, span: node.span.clone() }))
    }

    fn names(&self) -> &[String] {
        match self {
            Self::Listed(axis) => &axis.names,
            Self::Range(range) => std::slice::from_ref(&range.hyperparameter.name),
        }
    }

    /// The values at a coordinate from 0 up to but excluding 1.
    fn at(&self, coordinate: f64, learner: &dyn Learner) -> Result<Vec<Value>, Diagnostic> {
        match self {
            Self::Listed(axis) => {
                #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "floor")]
                let index = (coordinate * axis.rows.len() as f64) as usize;
                Ok(axis.rows[index].clone())
            }
            Self::Range(range) => {
                let node = Node { value: range.interval.at(coordinate), span: range.span.clone() };
                Ok(vec![read_value(&range.hyperparameter, &node, learner)?])
            }
        }
    }
}

/// An integer from `least` to `most`.
fn integer(name: &str, node: &Node, least: u32, most: u32) -> Result<u32, Diagnostic> {
    let file::Value::Integer(integer) = node.value else {
        return Err(wrong_type(name, node, "an integer"));
    };
    let valid = u32::try_from(integer).ok().filter(|integer| (least..=most).contains(integer));
    valid.ok_or_else(|| {
        let label = format!("expected a whole number from {least} to {most}");
        Diagnostic::new(format!("'{name}' is out of range"), &node.span, label)
    })
}

fn without_sample(key: &Key) -> Diagnostic {
    let message = format!("'{}' has no effect without 'sample'", key.name);
    Diagnostic::new(message, &key.span, "expected sample = N, the number of points, beside this")
}
