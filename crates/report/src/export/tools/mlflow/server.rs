//! An MLflow server, through its REST API 2.0.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tracking::Experiment;

use super::backend::{Backend, ExistingRun, OpenedExperiment};
use super::client::{Client, RequestError};
use super::mlflow_run::{LoggedMetric, MlflowRun};
use super::names::{MAX_DESCRIPTION, truncate_chars};
use super::tags::{DIGEST_TAG, EXPERIMENT_TAG, RUN_TAG, TAG_PREFIX};
use crate::wording::count;

/// A progress message appears after each batch of this many sent runs.
const PROGRESS_RUNS: usize = 100;
/// Most runs in one response.
const MAX_RUNS: u32 = 500;
/// Most metrics, hyperparameters and tags in one request. MLflow accepts 1000, 100 and 100, but
/// only 1000 of all together. One tag is left for the digest.
const MAX_METRICS: usize = 800;
const MAX_PARAMS: usize = 100;
const MAX_TAGS: usize = 99;

/// An MLflow server with an open experiment.
pub struct MlflowServer {
    client: Client,
    /// MLflow's id of the open experiment.
    experiment_id: String,
    /// Location of the files of each run, by MLflow's id of the run.
    locations: HashMap<String, String>,
    /// For each skipped file, the location to which the server does not accept files.
    skipped: Vec<String>,
    /// Number of runs that were sent.
    sent: usize,
}

impl MlflowServer {
    /// The server at `address`. Sends no request yet.
    pub fn new(address: &str) -> Result<Self> {
        Ok(Self {
            client: Client::new(address)?,
            experiment_id: String::new(),
            locations: HashMap::new(),
            skipped: Vec::new(),
            sent: 0,
        })
    }

    /// The id of the run that `info` describes. Also stores the location of its files.
    fn register_run(&mut self, info: &Value) -> Result<String> {
        let id = string_field(info, "run_id")?;
        let location = info["artifact_uri"].as_str().unwrap_or_default().to_owned();
        self.locations.insert(id.clone(), location);
        Ok(id)
    }

    /// Finds an experiment by its tag, because a user can rename it.
    fn find_by_tag(&self, name: &str) -> Result<Option<Value>> {
        let request = json!({
            // The names of experiments in the store contain no quotes.
            "filter": format!("tags.`{EXPERIMENT_TAG}` = '{name}'"),
            "view_type": "ALL",
            "order_by": ["creation_time ASC"],
            "max_results": 1,
        });
        let mut found = self.client.post("experiments/search", &request)?;
        Ok(found["experiments"].get_mut(0).map(Value::take))
    }

    fn find_by_name(&self, name: &str) -> Result<Option<Value>, RequestError> {
        match self.client.get("experiments/get-by-name", &[("experiment_name", name)]) {
            Err(RequestError::NotFound(_)) => Ok(None),
            found => Ok(Some(found?["experiment"].take())),
        }
    }

    /// Finds an experiment by its name or creates it, and sets its tag.
    fn find_or_create(&self, experiment: &Experiment) -> Result<Value> {
        let name = &experiment.name;
        let found = match self.find_by_name(name)? {
            Some(found) => found,
            None => match self.create_experiment(experiment) {
                Ok(created) => return Ok(created),
                // Another export can create the experiment at the same time.
                Err(error) => self.find_by_name(name)?.ok_or(error)?,
            },
        };
        if !tags(&found).any(|(tag, _)| tag == EXPERIMENT_TAG) {
            let id = string_field(&found, "experiment_id")?;
            let request = json!({"experiment_id": id, "key": EXPERIMENT_TAG, "value": name});
            self.client.post("experiments/set-experiment-tag", &request)?;
        }
        Ok(found)
    }

    fn create_experiment(&self, experiment: &Experiment) -> Result<Value, RequestError> {
        let description = truncate_chars(&experiment.description, MAX_DESCRIPTION);
        let tags = [
            json!({"key": "mlflow.note.content", "value": description}),
            json!({"key": EXPERIMENT_TAG, "value": experiment.name}),
        ];
        self.client.post("experiments/create", &json!({"name": experiment.name, "tags": tags}))
    }

    /// The runs of the open experiment that exports added, by their ids in the store.
    ///
    /// Two exports at the same time can add the same run. Every export then keeps the one with the
    /// least id and deletes the others.
    fn existing_runs(&mut self) -> Result<HashMap<String, ExistingRun>> {
        let mut existing: HashMap<String, ExistingRun> = HashMap::new();
        let mut duplicates: Vec<String> = Vec::new();
        let mut request = json!({
            "experiment_ids": [self.experiment_id],
            "filter": format!("tags.`{RUN_TAG}` != ''"),
            "run_view_type": "ALL",
            "max_results": MAX_RUNS,
            "order_by": ["attributes.start_time"],
        });
        loop {
            let response = self.client.post("runs/search", &request)?;
            for run in response["runs"].as_array().into_iter().flatten() {
                let Some(store_id) = tag(&run["data"], RUN_TAG) else { continue };
                let run = ExistingRun {
                    id: self.register_run(&run["info"])?,
                    status: string_field(&run["info"], "status")?,
                    digest: tag(&run["data"], DIGEST_TAG),
                    deleted: run["info"]["lifecycle_stage"] == "deleted",
                };
                match existing.get_mut(&store_id) {
                    Some(_) if run.deleted => {}
                    Some(known) if known.deleted || known.id > run.id => {
                        let replaced = std::mem::replace(known, run);
                        duplicates.extend((!replaced.deleted).then_some(replaced.id));
                    }
                    Some(_) => duplicates.push(run.id),
                    None => drop(existing.insert(store_id, run)),
                }
            }
            match next_page(&response) {
                Some(token) => request["page_token"] = token.into(),
                None => break,
            }
        }
        for id in duplicates {
            self.client.post("runs/delete", &json!({"run_id": id}))?;
        }
        Ok(existing)
    }
}

impl Backend for MlflowServer {
    fn open_experiment(&mut self, experiment: &Experiment) -> Result<OpenedExperiment> {
        let found = match self.find_by_tag(&experiment.name)? {
            Some(found) => found,
            None => self.find_or_create(experiment)?,
        };
        let id = string_field(&found, "experiment_id")?;
        if found["lifecycle_stage"] == "deleted" {
            return Ok(OpenedExperiment::Deleted(id));
        }
        self.experiment_id = id;
        Ok(OpenedExperiment::Runs(self.existing_runs()?))
    }

    fn create_run(&mut self, run: &MlflowRun) -> Result<String> {
        let request = json!({
            "experiment_id": self.experiment_id,
            "run_name": run.name,
            "start_time": run.started,
            // The tag exists from the start, so that an interrupted export can be continued.
            "tags": [json!({"key": RUN_TAG, "value": run.id})],
        });
        let created = self.client.post("runs/create", &request)?;
        self.register_run(&created["run"]["info"])
    }

    fn logged_metrics(&mut self, id: &str, names: &[&str]) -> Result<Vec<LoggedMetric>> {
        let mut metrics = Vec::new();
        for name in names {
            let mut page = None;
            loop {
                let mut query = vec![("run_id", id), ("metric_key", name)];
                query.extend(page.as_deref().map(|token| ("page_token", token)));
                let response = self.client.get("metrics/get-history", &query)?;
                let values = response["metrics"].as_array().into_iter().flatten();
                metrics.extend(values.filter_map(logged_metric));
                page = next_page(&response);
                if page.is_none() {
                    break;
                }
            }
        }
        Ok(metrics)
    }

    fn put_artifact(&mut self, id: &str, path: &str, bytes: &[u8]) -> Result<()> {
        let location = self.locations.get(id).map_or("", String::as_str);
        let folder = location.strip_prefix("mlflow-artifacts:/");
        match folder.filter(|folder| !folder.starts_with('/')) {
            Some(folder) => Ok(self.client.put(&format!("{folder}/{path}"), bytes)?),
            None => {
                self.skipped.push(location.to_owned());
                Ok(())
            }
        }
    }

    fn log(&mut self, id: &str, run: &MlflowRun, missing: &[LoggedMetric]) -> Result<()> {
        let mut metrics = missing.chunks(MAX_METRICS);
        let mut params = run.params.chunks(MAX_PARAMS);
        let mut tags = run.tags.chunks(MAX_TAGS);
        let pair = |(key, value): &(String, String)| json!({"key": key, "value": value});
        let pairs = |pairs: &[(String, String)]| pairs.iter().map(pair).collect::<Vec<Value>>();
        loop {
            let metrics_of_batch = metrics.next().unwrap_or_default().iter().map(|metric| {
                json!({
                    "key": metric.key,
                    "value": metric.value,
                    "timestamp": metric.timestamp,
                    "step": metric.step,
                })
            });
            let mut request = json!({
                "run_id": id,
                "metrics": metrics_of_batch.collect::<Vec<Value>>(),
                "params": pairs(params.next().unwrap_or_default()),
            });
            let mut tags_of_batch = pairs(tags.next().unwrap_or_default());
            let is_last = metrics.len() + params.len() + tags.len() == 0;
            if is_last {
                tags_of_batch.push(json!({"key": DIGEST_TAG, "value": run.digest}));
            }
            request["tags"] = tags_of_batch.into();
            self.client.post("runs/log-batch", &request)?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn owned_tags(&mut self, id: &str) -> Result<Vec<String>> {
        let response = self.client.get("runs/get", &[("run_id", id)])?;
        let names = tags(&response["run"]["data"]).map(|(name, _)| name);
        Ok(names.filter(|name| name.starts_with(TAG_PREFIX)).map(str::to_owned).collect())
    }

    fn delete_tag(&mut self, id: &str, tag: &str) -> Result<()> {
        match self.client.post("runs/delete-tag", &json!({"run_id": id, "key": tag})) {
            // Another export can delete the tag at the same time.
            Err(RequestError::NotFound(_)) => Ok(()),
            deleted => Ok(deleted.map(drop)?),
        }
    }

    fn end_run(&mut self, id: &str, run: &MlflowRun) -> Result<()> {
        let mut request = json!({"run_id": id, "status": run.status});
        if let Some(ended) = run.ended {
            request["end_time"] = ended.into();
        }
        self.client.post("runs/update", &request)?;
        self.sent += 1;
        if self.sent.is_multiple_of(PROGRESS_RUNS) {
            anstream::eprintln!("{} runs sent", self.sent);
        }
        Ok(())
    }

    fn deduplicate(&mut self) -> Result<()> {
        self.existing_runs().map(drop)
    }

    fn finish(&mut self) -> Result<Option<String>> {
        Ok(self.skipped.first().map(|location| {
            format!(
                "{} not sent: the server does not accept files for '{location}'; it accepts them \
                 if it runs with --serve-artifacts and the experiment was created after that",
                count(self.skipped.len(), "file")
            )
        }))
    }
}

/// Names and values of the tags of an experiment or of the data of a run.
fn tags(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let tags = object["tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| Some((tag["key"].as_str()?, tag["value"].as_str()?)))
}

fn tag(object: &Value, name: &str) -> Option<String> {
    tags(object).find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn next_page(response: &Value) -> Option<String> {
    response["next_page_token"].as_str().filter(|token| !token.is_empty()).map(str::to_owned)
}

/// A metric from the server, which can send integers as text.
fn logged_metric(metric: &Value) -> Option<LoggedMetric> {
    let integer =
        |name: &str| metric[name].as_i64().or_else(|| metric[name].as_str()?.parse().ok());
    Some(LoggedMetric {
        key: metric["key"].as_str()?.to_owned(),
        value: metric["value"].as_f64()?,
        timestamp: integer("timestamp")?,
        step: integer("step").unwrap_or(0),
    })
}

fn string_field(response: &Value, name: &str) -> Result<String> {
    let found = response[name].as_str().map(str::to_owned);
    found.with_context(|| {
        format!("the response has no field '{name}': is this the address of an MLflow server?")
    })
}
