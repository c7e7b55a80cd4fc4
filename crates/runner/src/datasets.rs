//! From the dataset that an experiment names to the dataset that it gets.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use data::{DataError, Dataset, Facts, FetchBar, FetchObserver, Finder, Network, Silent, Source};

use crate::cli::Places;
use crate::diagnostic::Diagnostic;
use crate::spec::{DatasetSpec, Spec};

/// A dataset and how it came to be used.
#[derive(Clone)]
pub struct Resolved {
    pub dataset: Arc<Dataset>,
    /// The dataset that was asked for, when this one stands in for it.
    pub fallback_for: Option<String>,
}

/// Finds each dataset once, however many experiments use it.
pub struct Datasets {
    finder: Finder,
    offline: bool,
    quiet: bool,
    loaded: HashMap<String, Arc<Dataset>>,
}

/// The finder that the command line describes.
pub fn finder(places: &Places) -> Result<Finder, DataError> {
    let network = if places.offline { Network::Offline } else { Network::Online };
    Finder::new(places.data_dir.clone(), network, places.mirrors.clone())
}

impl Datasets {
    /// Nothing is loaded yet.
    pub fn new(places: &Places, quiet: bool) -> Result<Self> {
        Ok(Self { finder: finder(places)?, offline: places.offline, quiet, loaded: HashMap::new() })
    }

    /// The dataset of `spec`, or its `offline_fallback` when the dataset cannot be had: then said loudly.
    pub fn resolve(&mut self, spec: &Spec) -> Result<Resolved> {
        let source = source(spec, &spec.dataset)?;
        let error = match self.load(&source) {
            Ok(dataset) => return Ok(Resolved { dataset, fallback_for: None }),
            Err(error) => error,
        };
        match &spec.fallback {
            Some(fallback) if error.cannot_be_had() => {
                let substitute = self::source(spec, fallback)?;
                let dataset = self.load(&substitute).map_err(anyhow::Error::from)?;
                let message = format!(
                    "warning: {} cannot be had: {error}\nwarning: using {} in its place, as offline_fallback allows; \
                     every record says so",
                    source.name(),
                    substitute.name()
                );
                for line in message.lines() {
                    anstream::eprintln!("{}", tracking::printable(line));
                }
                Ok(Resolved { dataset, fallback_for: Some(source.name().to_owned()) })
            }
            _ => Err(error.into()),
        }
    }

    /// What a plan needs to know of the dataset of `spec`, without reading all of it where that can be helped; and what to call it.
    pub fn facts(&mut self, spec: &Spec) -> Result<(Facts, String)> {
        let source = source(spec, &spec.dataset)?;
        let name = source.name().to_owned();
        match source.pinned_facts() {
            Some(facts) if self.finder.is_here(&source) => Ok((facts, name)),
            Some(facts) if !self.offline && !self.finder.is_local(&source) => {
                Ok((facts, format!("{name}, to be fetched first")))
            }
            None if self.finder.is_here(&source) => Ok((self.finder.facts(&source, &mut Silent)?, name)),
            _ => {
                let dataset = self.resolve(spec)?.dataset;
                Ok((dataset.facts(), dataset.name.clone()))
            }
        }
    }

    fn load(&mut self, source: &Source) -> Result<Arc<Dataset>, DataError> {
        let key = format!("{source:?}");
        if let Some(dataset) = self.loaded.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let mut bar = FetchBar::new();
        let observer: &mut dyn FetchObserver = if self.quiet { &mut Silent } else { &mut bar };
        let dataset = Arc::new(self.finder.load(source, observer)?);
        self.loaded.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }
}

fn source(spec: &Spec, named: &DatasetSpec) -> Result<Source, Diagnostic> {
    Source::parse(&named.name, &spec.folder)
        .map_err(|error| Diagnostic::new("the dataset is not known", &named.place, error.to_string()))
}
