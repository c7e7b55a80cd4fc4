//! Sentences about a comparison. `METHODOLOGY.md` explains what each sentence promises and names
//! the simulation that checks the promise.

mod background;
mod certainty;
mod coverage;
mod edges;
mod phrases;
mod race;
mod verdict;

use crate::comparison::Comparison;
use certainty::{best_epoch, reported, selection, undecided};
use coverage::{common_cells, left_out, missing_runs, survivors, without_result};
use edges::edges;

pub use background::{background, basis, front, interaction};
pub use certainty::still_improves;
pub use phrases::setting_name;
pub use race::{indifference, left, name as name_in_race};
pub use verdict::verdict;

/// The best settings, the certainty of the answer, and warnings.
pub fn answer(comparison: &Comparison) -> Vec<String> {
    let mut sentences = vec![verdict(comparison)];
    sentences.push(left_out(comparison));
    sentences.push(without_result(comparison));
    sentences.push(race::changes(comparison));
    sentences.push(race::without_value(comparison));
    sentences.push(race::unused(comparison));
    sentences.push(undecided(comparison));
    sentences.push(common_cells(comparison));
    sentences.push(missing_runs(comparison));
    sentences.push(survivors(comparison));
    sentences.push(best_epoch(comparison));
    sentences.push(reported(comparison));
    sentences.push(selection(comparison));
    sentences.extend(edges(comparison).into_iter().map(Some));
    sentences.into_iter().flatten().collect()
}
