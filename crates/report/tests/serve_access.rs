//! `report serve`: who is answered, and what misuse does to the server.
#![allow(clippy::unwrap_used, missing_docs)]

mod served;
mod stores;

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use served::{Served, header, status};
use stores::{outcome, sixty_three};

#[test]
fn foreign_names_sites_and_methods_are_denied() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    for path in ["/", "/progress", "/nothing"] {
        for headers in [
            &["Host: evil.example"][..],
            &["Host: evil.example:80", "X-Forwarded-Host: localhost"],
            &["Host: localhost", "Origin: http://evil.example"],
            &["Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
        ] {
            let response = served.get(path, headers);
            assert_eq!(status(&response), 403, "{path} {headers:?}");
            assert!(!response.contains("batch"), "{response}");
        }
    }
    // A denied client does not keep its connection.
    let begun = Instant::now();
    assert_eq!(status(&served.raw("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")), 403);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(status(&served.raw("GET / HTTP/1.0\r\n\r\n")), 403);
    assert_eq!(
        status(&served.raw(
            "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )),
        403
    );
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        let request =
            format!("{method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&served.raw(&request)), 405, "{method}");
    }
    let page = served.page();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(header(&page, name), Some(value));
    }
}

#[test]
fn public_server_requires_the_token() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &["--host", "0.0.0.0"]);
    let (_, token) = served.url.split_once("/?token=").unwrap();
    assert_eq!(token.len(), 32, "128 bits");
    let another = Served::new(folder.path(), &["--host", "0.0.0.0"]);
    assert!(!another.url.ends_with(token), "two servers have the same token");
    for path in ["/", "/progress", "/nothing", "/?token=", "/?token=0"] {
        let response = served.get(path, &["Host: gpu.example"]);
        assert_eq!(status(&response), 401, "{path}");
        assert!(!response.contains("batch"), "{response}");
    }
    let redirect =
        served.get(&format!("/?token={token}"), &["Host: gpu.example", "Accept: text/html"]);
    assert_eq!((status(&redirect), header(&redirect, "location")), (303, Some("/")));
    let cookie = header(&redirect, "set-cookie").unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    let page = served.get("/", &["Host: gpu.example", &cookie]);
    assert!(status(&page) == 200 && page.contains("batch_sweep") && !page.contains(token));
}

#[test]
fn chosen_token_is_required_on_loopback_too() {
    let folder = sixty_three();
    let served = Served::with(folder.path(), &[], &[("CANDLE_SWEEP_TOKEN", "correcthorsebattery")]);
    assert!(served.url.ends_with("/?token=correcthorsebattery"));
    assert_eq!(status(&served.page()), 401);
    assert_eq!(
        status(
            &served.get("/?token=correcthorsebattery", &["Host: localhost", "Accept: text/html"])
        ),
        303
    );
    // A client that does not ask for HTML needs no cookie.
    assert_eq!(status(&served.get("/?token=correcthorsebattery", &["Host: localhost"])), 200);
    assert_eq!(
        status(&served.get("/", &["Host: localhost", "Authorization: Bearer correcthorsebattery"])),
        200
    );
    assert_eq!(status(&served.get("/?token=correcthorsebattery", &["Host: evil.example"])), 403);
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    let short =
        command.args(["serve", "--port", "0"]).env("CANDLE_SWEEP_TOKEN", "short").output().unwrap();
    assert_eq!(short.status.code(), Some(2));
}

#[test]
fn wrong_options_end_with_an_error() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    let port = served.address.rsplit(':').next().unwrap();
    let (code, _, err) = outcome(folder.path(), &["serve", "--port", port]);
    assert_eq!(code, 2);
    assert!(err.contains("is in use") && err.contains("--port 0"), "{err}");
    let (code, _, err) = outcome(folder.path(), &["serve", "--where", "batch_size<"]);
    assert_eq!(code, 2, "{err}");
    let (code, _, err) =
        outcome(folder.path(), &["serve", "--port", "0", "--host", "no.such.host.invalid"]);
    assert_eq!(code, 2, "{err}");
    // Options that depend on the store are reported on the page, because they may be valid later.
    let served = Served::new(folder.path(), &["--sort", "test_acuracy"]);
    assert!(served.page().contains("test_accuracy"), "no suggestion");
    for (condition, message) in
        [("batch_size<0", "no run matches every --where (63 runs checked)"), ("sed=1", "'seed'?")]
    {
        let page = Served::new(folder.path(), &["--where", condition]).page();
        assert!(
            page.contains(message) || page.contains(&message.replace('\'', "&#x27;")),
            "{condition}"
        );
        assert!(!page.contains("\\n  "), "{condition}: escaped line breaks");
    }
}

#[test]
fn slow_or_broken_clients_do_not_block_others() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    // Unfinished heads, silent connections, clients that never read, half-closed connections.
    let mut slow: Vec<_> = (0..300).map(|_| served.connect()).collect();
    for (index, stream) in slow.iter_mut().enumerate() {
        match index % 4 {
            0 => stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap(),
            1 => stream.write_all(b"GET /progress HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap(),
            2 => stream.shutdown(std::net::Shutdown::Write).unwrap(),
            _ => {}
        }
    }
    // A client that requests more than the socket buffers hold and reads nothing.
    let mut greedy = served.connect();
    greedy.write_all("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000).as_bytes()).unwrap();
    let begun = Instant::now();
    assert_eq!(status(&served.page()), 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let long =
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    let mut stream = served.connect();
    let _ = stream.write_all(long.as_bytes());
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    assert!(
        response.is_empty() || response.starts_with(b"HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&response)
    );
    // The server closes a connection whose head does not end.
    let mut rest = Vec::new();
    slow[0].read_to_end(&mut rest).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // It also closes the connection of a client that does not read.
    while greedy.write_all(b"\r\n").is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(25), "the connection stays open");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(status(&served.page()), 200);
}

#[cfg(unix)]
#[test]
fn signal_stops_the_server_at_once_with_success() {
    let folder = sixty_three();
    for signal in ["-INT", "-TERM"] {
        let mut served = Served::new(folder.path(), &[]);
        let _idle = served.connect();
        served.page();
        let begun = Instant::now();
        Command::new("kill").args([signal, &served.child.id().to_string()]).status().unwrap();
        assert_eq!(served.child.wait().unwrap().code(), Some(0));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}
