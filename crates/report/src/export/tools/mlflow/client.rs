//! HTTP client of an MLflow server, and explanations of its errors.

use std::time::Duration;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use ureq::http::{Method, Request, StatusCode, Uri};
use ureq::{Agent, AsSendBody};

use super::uri::encoded;

/// Default timeout from the start of a request to the end of its response, in seconds. MLflow's own
/// clients have the same default and read `MLFLOW_HTTP_REQUEST_TIMEOUT` too.
const DEFAULT_TIMEOUT: u64 = 120;
/// Largest response, in bytes.
const MAX_RESPONSE: u64 = 256 << 20;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The requested resource does not exist in MLflow.
    #[error("{0}")]
    NotFound(String),
    /// Any other failure.
    #[error("{0}")]
    Other(String),
}

/// Client of an MLflow server.
pub struct Client {
    agent: Agent,
    address: String,
    /// Value of the header `Authorization`.
    authorization: Option<String>,
}

impl Client {
    /// A client of the server at `address`. It reads the environment variables of MLflow's own
    /// clients for credentials and timeout. Sends no request yet.
    pub fn new(address: &str) -> Result<Self> {
        let uri: Uri = address
            .parse()
            .map_err(|error| anyhow::anyhow!("{}: {error}", not_a_server(address)))?;
        let Some(host) = uri.host().filter(|_| uri.query().is_none()) else {
            bail!("{}", not_a_server(address));
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            bail!(
                "other users can see a password in an address: set MLFLOW_TRACKING_USERNAME and \
                 MLFLOW_TRACKING_PASSWORD instead"
            );
        }
        let timeout = std::env::var("MLFLOW_HTTP_REQUEST_TIMEOUT")
            .ok()
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(DEFAULT_TIMEOUT);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(timeout)))
            .user_agent(concat!("candle-sweep/", env!("CARGO_PKG_VERSION")));
        // A proxy cannot reach a server on this machine.
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: Agent::new_with_config(config.build()),
            address: address.trim_end_matches('/').to_owned(),
            authorization: authorization(),
        })
    }

    /// Reads from an endpoint of the REST API with these query parameters.
    pub fn get(&self, endpoint: &str, query: &[(&str, &str)]) -> Result<Value, RequestError> {
        let query: Vec<String> = query
            .iter()
            .map(|(key, value)| format!("{key}={}", encoded(value.as_bytes())))
            .collect();
        self.send(Method::GET, &format!("mlflow/{endpoint}?{}", query.join("&")), ())
    }

    /// Sends `request` to an endpoint of the REST API.
    pub fn post(&self, endpoint: &str, request: &Value) -> Result<Value, RequestError> {
        self.send(Method::POST, &format!("mlflow/{endpoint}"), request.to_string())
    }

    /// Stores a file at `path` below the artifacts of the server.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<(), RequestError> {
        let segments: Vec<String> =
            path.split('/').map(|segment| encoded(segment.as_bytes())).collect();
        let path = format!("mlflow-artifacts/artifacts/{}", segments.join("/"));
        self.send(Method::PUT, &path, bytes).map(drop)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: impl AsSendBody,
    ) -> Result<Value, RequestError> {
        let url = format!("{}/api/2.0/{path}", self.address);
        let content_type =
            if method == Method::PUT { "application/octet-stream" } else { "application/json" };
        let mut request =
            Request::builder().method(method).uri(url).header("Content-Type", content_type);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let request = request.body(body).map_err(|error| RequestError::Other(error.to_string()))?;
        let no_response = |error: ureq::Error| self.no_response(path, &error);
        let mut response = self.agent.run(request).map_err(no_response)?;
        let status = response.status();
        let text = response
            .body_mut()
            .with_config()
            .limit(MAX_RESPONSE)
            .read_to_string()
            .map_err(no_response)?;
        // Some responses are empty, such as the one to a stored file.
        let content =
            if text.is_empty() { Some(Value::Null) } else { serde_json::from_str(&text).ok() };
        match content {
            Some(content) if status.is_success() => Ok(content),
            content => Err(self.rejected(path, status, content.as_ref())),
        }
    }

    /// The error of a request without a response.
    fn no_response(&self, path: &str, error: &ureq::Error) -> RequestError {
        RequestError::Other(format!(
            "{} did not answer {}: {error}; run the same command again when the server answers: \
             it continues where this one stopped",
            self.address,
            without_query(path)
        ))
    }

    /// The error of a request with a response that is not a success. `content` is the response, if
    /// it is JSON.
    fn rejected(&self, path: &str, status: StatusCode, content: Option<&Value>) -> RequestError {
        let field = |name: &str| content.and_then(|content| content[name].as_str());
        let advice = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or \
                 MLFLOW_TRACKING_TOKEN, to the credentials of a user who may write"
            }
            status if status.is_server_error() => {
                "; run the same command again: it continues where this one stopped"
            }
            _ if content.is_none() => "; is this the address of an MLflow server?",
            _ => "",
        };
        let message = field("message").map_or_else(String::new, |message| format!(": {message}"));
        let endpoint = without_query(path);
        let text = format!("{} answered {status} to {endpoint}{message}{advice}", self.address);
        match field("error_code") {
            Some("RESOURCE_DOES_NOT_EXIST") => RequestError::NotFound(text),
            _ => RequestError::Other(text),
        }
    }
}

fn not_a_server(address: &str) -> String {
    format!(
        "'{address}' is not the address of a server: expected a form such as \
         http://localhost:5000"
    )
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// The header `Authorization` from the environment variables of MLflow's own clients. As there,
/// user name and password take precedence over a token.
fn authorization() -> Option<String> {
    let variable = |name: &str| {
        std::env::var(format!("MLFLOW_TRACKING_{name}")).ok().filter(|value| !value.is_empty())
    };
    match (variable("USERNAME"), variable("PASSWORD")) {
        (Some(name), Some(password)) => {
            Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
        }
        _ => variable("TOKEN").map(|token| format!("Bearer {token}")),
    }
}
