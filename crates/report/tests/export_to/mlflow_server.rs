//! Requests to an MLflow server, and messages about its errors.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use tempfile::TempDir;
use tracking::{Reader, TrialId};

use crate::results::results_with;

/// A request as a server receives it.
#[derive(Debug)]
struct Request {
    /// The first line.
    line: String,
    authorization: String,
    body: Vec<u8>,
}

impl Request {
    /// The path after `/api/2.0/`, without the query.
    fn path(&self) -> &str {
        let target = self.line.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default().trim_start_matches("/api/2.0/")
    }
}

/// A server that answers each request with the status and body of `answer`, until [`stop`]. If
/// `answer` returns `None`, the server sends nothing.
fn serve(
    answer: impl Fn(&Request) -> Option<(u16, String)> + Send + 'static,
) -> (String, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = spawn(move || {
        let mut requests = Vec::new();
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            while let Some(request) = read(&mut reader) {
                if request.line.starts_with("STOP") {
                    return requests;
                }
                let Some((status, body)) = answer(&request) else {
                    // Longer than the timeout of the client.
                    sleep(Duration::from_secs(5));
                    break;
                };
                let length = body.len();
                let response =
                    format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\n\r\n{body}");
                reader.get_mut().write_all(response.as_bytes()).unwrap();
                requests.push(request);
            }
        }
        requests
    });
    (address, server)
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request =
        Request { line: String::new(), authorization: String::new(), body: Vec::new() };
    reader.read_line(&mut request.line).ok().filter(|length| *length > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => request.authorization = value.to_owned(),
            _ => {}
        }
    }
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Stops a server and returns its requests.
fn stop(address: &str, server: JoinHandle<Vec<Request>>) -> Vec<Request> {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.write_all(b"STOP\r\n\r\n").unwrap();
    server.join().unwrap()
}

/// Exports to a server with these environment variables. Returns the exit code and the text on
/// standard error.
fn send(results: &TempDir, address: &str, variables: &[(&str, &str)]) -> (i32, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    for name in ["USERNAME", "PASSWORD", "TOKEN"] {
        command.env_remove(format!("MLFLOW_TRACKING_{name}"));
    }
    command.arg("-r").arg(results.path()).args(["export", "--to", "mlflow", address]);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn error_of_a_server_is_quoted() {
    let results = results_with(1);
    for (status, body, hints) in [
        (
            500,
            "",
            &["answered 500", "run the same command again: it continues where this one stopped"][..],
        ),
        (503, "<html>busy</html>", &["answered 503", "it continues where this one stopped"]),
        (
            401,
            "<html>who?</html>",
            &[
                "answered 401",
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
            ],
        ),
        (
            403,
            r#"{"error_code":"PERMISSION_DENIED","message":"not \u001b[31m you"}"#,
            &["answered 403", ": not \\u{1b}[31m you; set"],
        ),
        (404, "<html>not here</html>", &["is this the address of an MLflow server?"]),
        (200, "<html>hello</html>", &["is this the address of an MLflow server?"]),
        (
            200,
            r#"{"experiments":[{"tags":[{"key":"candle_sweep.experiment","value":"batch_sweep"}]}]}"#,
            &[
                "the response has no field 'experiment_id'",
                "is this the address of an MLflow server?",
            ],
        ),
        (
            400,
            r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"no such name"}"#,
            &["answered 400", ": no such name"],
        ),
    ] {
        let (address, server) = serve(move |_| Some((status, body.to_owned())));
        let (code, err) = send(&results, &address, &[]);
        assert_eq!(code, 2, "{err}");
        assert!(err.starts_with("error: "), "{err}");
        for hint in hints {
            assert!(err.contains(hint), "{status}: {hint} in {err}");
        }
        assert_eq!(stop(&address, server).len(), 1, "a request followed the error");
    }
}

#[test]
fn silent_server_ends_the_export() {
    let results = results_with(1);
    let (code, err) = send(&results, "http://127.0.0.1:9", &[]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("http://127.0.0.1:9 did not answer"), "{err}");
    assert!(err.contains("it continues where this one stopped"), "{err}");
    let (address, _server) = serve(|_| None);
    let (code, err) = send(&results, &address, &[("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")]);
    assert!(code == 2 && err.contains("timeout"), "{err}");
    assert!(err.contains("it continues where this one stopped"), "{err}");
}

/// An MLflow server without experiments, which keeps the files of runs at `location`.
fn empty_mlflow(location: &'static str) -> (String, JoinHandle<Vec<Request>>) {
    serve(move |request| {
        let run = format!(r#"{{"run":{{"info":{{"run_id":"its","artifact_uri":"{location}"}}}}}}"#);
        Some(match request.path() {
            "mlflow/experiments/get-by-name" => {
                (404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST"}"#.into())
            }
            "mlflow/experiments/search" => (200, "{}".into()),
            "mlflow/experiments/create" => (200, r#"{"experiment_id":"7"}"#.into()),
            "mlflow/runs/search" | "mlflow/runs/log-batch" | "mlflow/runs/update" => {
                (200, "{}".into())
            }
            "mlflow/runs/create" => (200, run),
            _ if request.line.starts_with("PUT") => (200, String::new()),
            _ => (404, String::new()),
        })
    })
}

#[test]
fn run_takes_five_requests_and_ends_with_its_status() {
    let results = results_with(1);
    let (address, server) = empty_mlflow("mlflow-artifacts:/7/its/artifacts");
    let credentials =
        [("MLFLOW_TRACKING_USERNAME", "Aladdin"), ("MLFLOW_TRACKING_PASSWORD", "open sesame")];
    let (code, err) = send(&results, &format!("{address}/"), &credentials);
    assert_eq!((code, err.lines().next()), (0, Some("1 run added")), "{err}");
    let requests = stop(&address, server);
    let trial = TrialId::of(&[("batch", "16"), ("decay", "0"), ("seed", "0")]);
    let weights = format!(
        "PUT /api/2.0/mlflow-artifacts/artifacts/7/its/artifacts/models/{trial}.safetensors"
    );
    let lines: Vec<&str> =
        requests.iter().map(|request| request.line.trim_end_matches(" HTTP/1.1\r\n")).collect();
    assert_eq!(
        lines,
        [
            // The export looks for the tag first, because a user can rename the experiment.
            "POST /api/2.0/mlflow/experiments/search",
            "GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=batch_sweep",
            "POST /api/2.0/mlflow/experiments/create",
            "POST /api/2.0/mlflow/runs/search",
            "POST /api/2.0/mlflow/runs/create",
            "PUT /api/2.0/mlflow-artifacts/artifacts/7/its/artifacts/experiment.toml",
            &weights,
            "POST /api/2.0/mlflow/runs/log-batch",
            "POST /api/2.0/mlflow/runs/update",
            // The export looks for duplicates that another export created meanwhile.
            "POST /api/2.0/mlflow/runs/search",
        ]
    );
    // The example of RFC 2617.
    let expected = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert!(requests.iter().all(|request| request.authorization == expected));
    assert_eq!(requests[5].body, b"name = \"batch_sweep\"\n");
    assert_eq!(requests[6].body, trial.as_str().as_bytes());
    let batch: serde_json::Value = serde_json::from_slice(&requests[7].body).unwrap();
    assert_eq!(batch["metrics"].as_array().unwrap().len(), 30);
    let update: serde_json::Value = serde_json::from_slice(&requests[8].body).unwrap();
    assert_eq!(update["status"], "FINISHED");
}

#[test]
fn files_that_a_server_rejects_are_noted() {
    let results = results_with(1);
    let (address, server) = empty_mlflow("s3://bucket/7/its/artifacts");
    let (code, err) = send(&results, &address, &[("MLFLOW_TRACKING_TOKEN", "abc")]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("note: 2 files not sent"), "{err}");
    assert!(err.contains("--serve-artifacts"), "{err}");
    let requests = stop(&address, server);
    assert!(requests.iter().all(|request| request.authorization == "Bearer abc"));
}

/// Two exports at the same time can both find no run, and both add it.
#[test]
fn duplicate_run_is_deleted() {
    let results = results_with(1);
    let id = Reader::open(results.path()).unwrap().runs("batch_sweep").unwrap()[0].id.clone();
    let (address, server) = serve(move |request| {
        let run = |id_in_mlflow: &str, stage: &str| {
            format!(
                r#"{{"info":{{"run_id":"{id_in_mlflow}","status":"RUNNING","artifact_uri":"","lifecycle_stage":"{stage}"}},
                "data":{{"tags":[{{"key":"candle_sweep.run","value":"{id}"}}]}}}}"#
            )
        };
        let runs = [run("0", "deleted"), run("b", "active"), run("a", "active")].join(",");
        Some(match request.path() {
            "mlflow/experiments/get-by-name" => {
                (200, r#"{"experiment":{"experiment_id":"7"}}"#.into())
            }
            "mlflow/runs/search" => (200, format!(r#"{{"runs":[{runs}]}}"#)),
            _ => (200, "{}".into()),
        })
    });
    let (code, err) = send(&results, &address, &[]);
    assert!(code == 0 && err.contains("0 runs added, 1 completed"), "{err}");
    let requests = stop(&address, server);
    let deleted: Vec<&Request> =
        requests.iter().filter(|request| request.line.contains("runs/delete")).collect();
    assert!(deleted.len() == 1 && deleted[0].body == br#"{"run_id":"b"}"#, "{deleted:?}");
}
