//! Slots: numbers from 0 to `jobs` - 1, each used by one program at a time.

use std::sync::{Mutex, PoisonError};

/// A slot in use. Dropping it frees the slot.
pub struct Slot<'a> {
    pub number: usize,
    used: &'a Mutex<Vec<bool>>,
}

impl<'a> Slot<'a> {
    /// Takes the first free slot of `used`, which says for each slot whether it is in use.
    pub fn take(used: &'a Mutex<Vec<bool>>) -> Self {
        let mut slots = used.lock().unwrap_or_else(PoisonError::into_inner);
        let free = slots.iter().position(|used| !used);
        let number = free.unwrap_or_else(|| {
            slots.push(false);
            slots.len() - 1
        });
        slots[number] = true;
        Self { number, used }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)[self.number] = false;
    }
}
