//! Browsers beside a sweep: to paint a page costs it more than all that the server does. Of those that say that they are on this machine
//! the one that came last paints at once, and the others take turns.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use super::pace::spread;

/// Between two turns, in seconds of one core.
const BETWEEN: u32 = 120;

/// Who follows here, and whose turn is next.
#[derive(Debug)]
pub struct Turns {
    /// Numbers; the highest goes first.
    places: watch::Sender<BTreeSet<u64>>,
    /// Who waits for his turn has it locked, and the others queue.
    queue: Mutex<()>,
    pause: Duration,
}

impl Turns {
    pub fn new() -> Self {
        Self { places: watch::Sender::default(), queue: Mutex::default(), pause: spread(BETWEEN) }
    }

    /// Goes before all who came before.
    pub fn join(self: &Arc<Self>) -> Place {
        let mut number = 0;
        self.places.send_modify(|places| {
            number = places.last().map_or(0, |last| last + 1);
            places.insert(number);
        });
        Place { turns: Arc::clone(self), number, places: self.places.subscribe() }
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
    places: watch::Receiver<BTreeSet<u64>>,
}

impl Place {
    /// Whether `place` is the first one, as soon as that may have changed; never where there is none.
    pub async fn first(place: &mut Option<Self>) -> bool {
        match place {
            Some(Self { number, places, .. }) => {
                // What it is a place among has the sender.
                let _ = places.changed().await;
                places.borrow_and_update().last() == Some(number)
            }
            None => std::future::pending().await,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.turns.places.send_modify(|places| {
            places.remove(&self.number);
        });
    }
}
