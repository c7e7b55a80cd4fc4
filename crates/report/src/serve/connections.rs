//! Accepts connections and limits their number, duration and request size.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

/// Open connections at a time. Further clients wait, so that the store can still open its files.
const MAX_CONNECTIONS: usize = 512;
/// Longest time to receive a request head, to wait idle for the next one, or to block on a write.
const IO_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Serves every connection on a task of its own.
pub async fn accept(listener: TcpListener, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IO_TIMEOUT).max_buf_size(MAX_HEAD);
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Usually the process is out of file descriptors. Other connections return theirs.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Send small responses at once.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(IO_TIMEOUT));
        let connection = http.serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router.clone()),
        );
        tokio::spawn(async move {
            // An error here is a client that disconnected or exceeded a limit.
            let _ = connection.await;
            drop(permit);
        });
    }
}
