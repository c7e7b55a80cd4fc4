//! Requests to a server of MLflow's, and what it means when they fail.

use std::time::Duration;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;
use ureq::http::{Method, Request, StatusCode, Uri};
use ureq::{Agent, AsSendBody};

/// How long an answer may take, all of it, in seconds, where the variable of MLflow's own clients says nothing else. It is theirs.
const PATIENCE: u64 = 120;
/// Largest answer.
const LARGEST: u64 = 256 << 20;

/// Why a request did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// MLflow says that there is no such thing.
    #[error("{0}")]
    NotThere(String),
    /// Anything else, in words.
    #[error("{0}")]
    Said(String),
}

/// A server, and who asks it.
pub struct Client {
    agent: Agent,
    address: String,
    authorization: Option<String>,
}

impl Client {
    /// Asks the server at `address` as whoever the variables of MLflow's own clients name.
    pub fn new(address: &str) -> Result<Self> {
        let uri: Uri = address
            .parse()
            .map_err(|error| anyhow::anyhow!("'{address}' is no address: {error}"))?;
        let Some(host) = uri.host().filter(|_| uri.query().is_none()) else {
            bail!("'{address}' is no address of a server: expected one as http://localhost:5000");
        };
        if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
            bail!(
                "a password in an address is seen by others: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            );
        }
        let patience = std::env::var("MLFLOW_HTTP_REQUEST_TIMEOUT")
            .ok()
            .and_then(|seconds| seconds.parse().ok());
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(patience.unwrap_or(PATIENCE))))
            .user_agent(concat!("candle-sweep/", env!("CARGO_PKG_VERSION")));
        // No proxy leads to oneself.
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            config = config.proxy(None);
        }
        let address = address.trim_end_matches('/').to_owned();
        Ok(Self {
            agent: Agent::new_with_config(config.build()),
            address,
            authorization: authorization(),
        })
    }

    /// Asks for something by name.
    pub fn get(&self, what: &str, values: &[(&str, &str)]) -> Result<Value, Refusal> {
        let values: Vec<String> = values
            .iter()
            .map(|(key, value)| format!("{key}={}", escaped(value.as_bytes())))
            .collect();
        self.ask(Method::GET, &format!("mlflow/{what}?{}", values.join("&")), ())
    }

    /// Has something done.
    pub fn post(&self, what: &str, request: &Value) -> Result<Value, Refusal> {
        self.ask(Method::POST, &format!("mlflow/{what}"), request.to_string())
    }

    /// Keeps a file.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let path: Vec<String> = path.split('/').map(|part| escaped(part.as_bytes())).collect();
        self.ask(Method::PUT, &format!("mlflow-artifacts/artifacts/{}", path.join("/")), bytes)
            .map(drop)
    }

    fn ask(&self, method: Method, what: &str, body: impl AsSendBody) -> Result<Value, Refusal> {
        let url = format!("{}/api/2.0/{what}", self.address);
        let kind =
            if method == Method::PUT { "application/octet-stream" } else { "application/json" };
        let mut request = Request::builder().method(method).uri(url).header("Content-Type", kind);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let unanswered = |error: ureq::Error| self.unanswered(what, &error);
        let request = request.body(body).map_err(|error| Refusal::Said(error.to_string()))?;
        let mut response = self.agent.run(request).map_err(unanswered)?;
        let status = response.status();
        let text = response
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_string()
            .map_err(unanswered)?;
        // Where there is nothing to say, as after a file, nothing is said.
        let answer =
            if text.is_empty() { Some(Value::Null) } else { serde_json::from_str(&text).ok() };
        match answer {
            Some(answer) if status.is_success() => Ok(answer),
            answer => Err(self.refused(what, status, answer.as_ref())),
        }
    }

    /// No answer came.
    fn unanswered(&self, what: &str, error: &ureq::Error) -> Refusal {
        Refusal::Said(format!(
            "no answer of {} to {}: {error}; the same command goes on where this one ended, once the server answers",
            self.address,
            asked(what)
        ))
    }

    /// The answer is none that helps.
    fn refused(&self, what: &str, status: StatusCode, answer: Option<&Value>) -> Refusal {
        let said = |name: &str| answer.and_then(|it| it[name].as_str());
        let advice = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to somebody who may write"
            }
            status if status.is_server_error() => "; the same command goes on where this one ended",
            _ if answer.is_none() => "; is this the address of an MLflow server?",
            _ => "",
        };
        let words = said("message").map_or_else(String::new, |message| format!(": {message}"));
        let text = format!("{} answered {status} to {}{words}{advice}", self.address, asked(what));
        match said("error_code") {
            Some("RESOURCE_DOES_NOT_EXIST") => Refusal::NotThere(text),
            _ => Refusal::Said(text),
        }
    }
}

/// What was asked, without its values.
fn asked(what: &str) -> &str {
    what.split('?').next().unwrap_or(what)
}

/// As MLflow's own clients do it: a name and a password go before a token.
fn authorization() -> Option<String> {
    let variable = |name: &str| {
        std::env::var(format!("MLFLOW_TRACKING_{name}")).ok().filter(|it| !it.is_empty())
    };
    match (variable("USERNAME"), variable("PASSWORD")) {
        (Some(name), Some(password)) => {
            Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
        }
        _ => variable("TOKEN").map(|token| format!("Bearer {token}")),
    }
}

/// `bytes` as a part of an address.
pub fn escaped(bytes: &[u8]) -> String {
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encode(bytes, ESCAPED).to_string()
}
