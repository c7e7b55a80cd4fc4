//! Browsers beside a sweep: to paint a page costs it more than all that the server does. Of those that say that they are on this machine
//! the one that came last paints at once, and the others take turns.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// Between two turns, in seconds of one core.
const CORE_SECONDS: usize = 60;

/// Who follows here, and whose turn is next.
#[derive(Debug)]
pub struct Turns {
    places: Mutex<(u64, BTreeSet<u64>)>,
    first: watch::Sender<Option<u64>>,
    /// Who waits for his turn has it locked, and the others queue.
    queue: tokio::sync::Mutex<()>,
    pause: Duration,
}

impl Turns {
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        #[allow(clippy::cast_precision_loss, reason = "an interval")]
        let pause = Duration::from_secs_f64(CORE_SECONDS as f64 / cores as f64);
        Self { places: Mutex::default(), first: watch::Sender::default(), queue: tokio::sync::Mutex::default(), pause }
    }

    /// Goes before all who came before.
    pub fn join(self: &Arc<Self>) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.0 += 1;
        let number = places.0;
        places.1.insert(number);
        self.first.send_replace(Some(number));
        Place { turns: Arc::clone(self), number, first: self.first.subscribe() }
    }

    fn leave(&self, number: u64) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.1.remove(&number);
        self.first.send_replace(places.1.last().copied());
    }

    /// Until it is the asker's turn.
    pub async fn come(&self) {
        let _turn = self.queue.lock().await;
        sleep(self.pause).await;
    }
}

/// Somebody's place among them, for as long as he follows.
#[derive(Debug)]
pub struct Place {
    turns: Arc<Turns>,
    number: u64,
    first: watch::Receiver<Option<u64>>,
}

impl Place {
    /// Whether `place` is the first one, as soon as that may have changed; never where there is none.
    pub async fn first(place: &mut Option<Self>) -> bool {
        match place {
            Some(Self { number, first, .. }) => {
                // What it is a place among has the sender.
                let _ = first.changed().await;
                *first.borrow_and_update() == Some(*number)
            }
            None => std::future::pending().await,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.turns.leave(self.number);
    }
}
