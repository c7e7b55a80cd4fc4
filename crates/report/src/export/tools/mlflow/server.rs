//! A server of MLflow's, by its REST API 2.0.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tracking::Experiment;

use super::client::{Client, Refusal};
use super::described::{Described, Metric};
use super::names::{LONGEST_NOTE, shortened};
use super::{DIGEST, EXPERIMENT, Known, OURS, Opened, Place, RUN};

/// A server takes its time: it is said whenever so many runs are there.
const PROGRESS: usize = 100;
/// Runs of one answer.
const PAGE: u32 = 500;
/// Most metrics, hyperparameters and tags of one request. MLflow takes 1000, 100 and 100, but 1000 of all together.
const METRICS: usize = 800;
const PARAMS: usize = 100;
const TAGS: usize = 99;

/// A server, and the experiment that is open there.
pub struct Server {
    client: Client,
    experiment: String,
    /// Where files of a run go, by MLflow's id of it, as far as the server takes them.
    folders: HashMap<String, String>,
    /// Where the server keeps files that it does not take from here, and how many it did not.
    elsewhere: Option<(String, usize)>,
    sent: usize,
}

impl Server {
    /// The server of that address; nothing is asked yet.
    pub fn new(address: &str) -> Result<Self> {
        Ok(Self {
            client: Client::new(address)?,
            experiment: String::new(),
            folders: HashMap::new(),
            elsewhere: None,
            sent: 0,
        })
    }

    /// Remembers where the files of a run go.
    fn remember(&mut self, info: &Value) -> Result<String> {
        let id = text(info, "run_id")?;
        let folder = info["artifact_uri"].as_str().unwrap_or_default().to_owned();
        self.folders.insert(id.clone(), folder);
        Ok(id)
    }
}

impl Place for Server {
    fn open(&mut self, experiment: &Experiment) -> Result<Opened> {
        let found = match self.tagged(&experiment.name)? {
            Some(found) => found,
            None => self.named(experiment)?,
        };
        let id = text(&found, "experiment_id")?;
        if found["lifecycle_stage"] == "deleted" {
            return Ok(Opened::Deleted(id));
        }
        self.experiment = id;
        Ok(Opened::Runs(self.runs()?))
    }

    fn create(&mut self, run: &Described) -> Result<String> {
        // What finds it again is there from its first moment.
        let tags = [json!({"key": RUN, "value": run.id})];
        let request = json!({
            "experiment_id": self.experiment, "run_name": run.name, "start_time": run.started, "tags": tags,
        });
        let made = self.client.post("runs/create", &request)?;
        self.remember(&made["run"]["info"])
    }

    fn logged(&mut self, id: &str, names: &[&str]) -> Result<Vec<Metric>> {
        let mut metrics = Vec::new();
        for name in names {
            let mut page = String::new();
            loop {
                let asked = [("run_id", id), ("metric_key", name), ("page_token", &page)];
                let given = self.client.get(
                    "metrics/get-history",
                    if page.is_empty() { &asked[..2] } else { &asked },
                )?;
                metrics
                    .extend(given["metrics"].as_array().into_iter().flatten().filter_map(metric));
                match next_page(&given) {
                    Some(next) => page = next,
                    None => break,
                }
            }
        }
        Ok(metrics)
    }

    fn put(&mut self, id: &str, path: &str, bytes: &[u8]) -> Result<()> {
        let folder = self.folders.get(id).map_or("", String::as_str);
        match folder.strip_prefix("mlflow-artifacts:/").filter(|folder| !folder.starts_with('/')) {
            Some(folder) => Ok(self.client.put(&format!("{folder}/{path}"), bytes)?),
            None => {
                let kept = folder.to_owned();
                self.elsewhere.get_or_insert((kept, 0)).1 += 1;
                Ok(())
            }
        }
    }

    fn log(&mut self, id: &str, run: &Described, missing: &[Metric]) -> Result<()> {
        let (mut metrics, mut params, mut tags) =
            (missing.chunks(METRICS), run.params.chunks(PARAMS), run.tags.chunks(TAGS));
        loop {
            let batch = (metrics.next(), params.next(), tags.next());
            let is_last = metrics.len() + params.len() + tags.len() == 0;
            let pair = |(key, value): &(String, String)| json!({"key": key, "value": value});
            let mut tags: Vec<Value> = batch.2.unwrap_or_default().iter().map(pair).collect();
            if is_last {
                tags.push(json!({"key": DIGEST, "value": run.digest}));
            }
            let request = json!({
                "run_id": id,
                "metrics": batch.0.unwrap_or_default().iter().map(|it| json!({
                    "key": it.key, "value": it.value, "timestamp": it.timestamp, "step": it.step,
                })).collect::<Vec<_>>(),
                "params": batch.1.unwrap_or_default().iter().map(pair).collect::<Vec<_>>(),
                "tags": tags,
            });
            self.client.post("runs/log-batch", &request)?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn tags(&mut self, id: &str) -> Result<Vec<String>> {
        let run = self.client.get("runs/get", &[("run_id", id)])?;
        let names = tags(&run["run"]["data"]).map(|(name, _)| name);
        Ok(names.filter(|name| name.starts_with(OURS)).map(str::to_owned).collect())
    }

    fn untag(&mut self, id: &str, tag: &str) -> Result<()> {
        match self.client.post("runs/delete-tag", &json!({"run_id": id, "key": tag})) {
            // Another export was first.
            Err(Refusal::NotThere(_)) => Ok(()),
            taken => Ok(taken.map(drop)?),
        }
    }

    fn end(&mut self, id: &str, run: &Described) -> Result<()> {
        let mut request = json!({"run_id": id, "status": run.status});
        if let Some(ended) = run.ended {
            request["end_time"] = ended.into();
        }
        self.client.post("runs/update", &request)?;
        self.sent += 1;
        if self.sent.is_multiple_of(PROGRESS) {
            anstream::eprintln!("{} runs sent", self.sent);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        self.runs().map(drop)
    }

    fn close(&mut self) -> Result<Option<String>> {
        Ok(self.elsewhere.as_ref().map(|(kept, files)| {
            format!(
                "{} not sent: the server takes none, it has them kept at '{kept}'; it takes them where it was started with \
                 --serve-artifacts and the experiment was made since",
                crate::wording::count(*files, "file")
            )
        }))
    }
}

impl Server {
    /// The experiment of that name, made where there is none, with the tag that finds it again.
    fn named(&self, experiment: &Experiment) -> Result<Value> {
        let name = &experiment.name;
        let found = match self.find(name)? {
            Some(found) => found,
            None => {
                let note = shortened(&experiment.description, LONGEST_NOTE);
                let tags = [
                    json!({"key": "mlflow.note.content", "value": note}),
                    json!({"key": EXPERIMENT, "value": name}),
                ];
                match self.client.post("experiments/create", &json!({"name": name, "tags": tags})) {
                    Ok(made) => return Ok(made),
                    // Another export may have been first.
                    Err(refused) => self.find(name)?.ok_or(refused)?,
                }
            }
        };
        if !tags(&found).any(|(name, _)| name == EXPERIMENT) {
            let tag = json!({"experiment_id": text(&found, "experiment_id")?, "key": EXPERIMENT, "value": name});
            self.client.post("experiments/set-experiment-tag", &tag)?;
        }
        Ok(found)
    }

    /// The experiment of that name, if there is one.
    fn find(&self, name: &str) -> Result<Option<Value>, Refusal> {
        match self.client.get("experiments/get-by-name", &[("experiment_name", name)]) {
            Err(Refusal::NotThere(_)) => Ok(None),
            found => Ok(Some(found?["experiment"].take())),
        }
    }

    /// The experiment that exports filled from the store's one of that name, if there is one. Somebody may have renamed it.
    fn tagged(&self, name: &str) -> Result<Option<Value>> {
        // Names of the store have no quotes.
        let filter = format!("tags.`{EXPERIMENT}` = '{name}'");
        let request = json!({"filter": filter, "view_type": "ALL", "order_by": ["creation_time ASC"], "max_results": 1});
        let mut found = self.client.post("experiments/search", &request)?;
        Ok(found["experiments"].get_mut(0).map(Value::take))
    }

    /// The runs that exports left in the experiment. Of two of one run, which exports at the same moment leave, the one with the
    /// lesser id, whoever asks; the other is deleted.
    fn runs(&mut self) -> Result<HashMap<String, Known>> {
        let (mut known, mut twice): (HashMap<String, Known>, Vec<String>) = Default::default();
        let mut request = json!({
            "experiment_ids": [self.experiment], "filter": format!("tags.`{RUN}` != ''"),
            "run_view_type": "ALL", "max_results": PAGE, "order_by": ["attributes.start_time"],
        });
        loop {
            let found = self.client.post("runs/search", &request)?;
            for run in found["runs"].as_array().into_iter().flatten() {
                let tag = |name: &str| {
                    tags(&run["data"]).find(|tag| tag.0 == name).map(|tag| tag.1.to_owned())
                };
                let Some(ours) = tag(RUN) else { continue };
                let info = &run["info"];
                let it = Known {
                    id: self.remember(info)?,
                    status: text(info, "status")?,
                    digest: tag(DIGEST),
                    deleted: info["lifecycle_stage"] == "deleted",
                };
                match known.get_mut(&ours) {
                    Some(_) if it.deleted => {}
                    Some(there) if there.deleted || there.id > it.id => {
                        let left = std::mem::replace(there, it);
                        twice.extend((!left.deleted).then_some(left.id));
                    }
                    Some(_) => twice.push(it.id),
                    None => drop(known.insert(ours, it)),
                }
            }
            match next_page(&found) {
                Some(next) => request["page_token"] = next.into(),
                None => break,
            }
        }
        for id in twice {
            self.client.post("runs/delete", &json!({"run_id": id}))?;
        }
        Ok(known)
    }
}

/// Names and values of the tags of what the server said.
fn tags(of: &Value) -> impl Iterator<Item = (&str, &str)> {
    let tags = of["tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| Some((tag["key"].as_str()?, tag["value"].as_str()?)))
}

fn next_page(answer: &Value) -> Option<String> {
    answer["next_page_token"].as_str().filter(|token| !token.is_empty()).map(str::to_owned)
}

/// A metric as the server says it; its numbers may be texts.
fn metric(said: &Value) -> Option<Metric> {
    let whole = |name: &str| said[name].as_i64().or_else(|| said[name].as_str()?.parse().ok());
    let (timestamp, step) = (whole("timestamp")?, whole("step").unwrap_or(0));
    Some(Metric {
        key: said["key"].as_str()?.to_owned(),
        value: said["value"].as_f64()?,
        timestamp,
        step,
    })
}

fn text(answer: &Value, name: &str) -> Result<String> {
    let found = answer[name].as_str().map(str::to_owned);
    found.with_context(|| format!("the server answered without '{name}': is it MLflow's?"))
}
