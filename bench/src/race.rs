//! Comparison of all contenders. They take turns, so that a disturbance of the machine affects all
//! of them.

use std::path::Path;

use anyhow::Result;
use data::Dataset;
use model::EngineKind;

use crate::bare::Bare;
use crate::contender::{BATCH, Contender, EPOCHS, LEARNING_RATE, Turn};
use crate::engines::Trial;
use crate::peers::Peer;
use crate::sweep::Sweep;
use crate::table;
use crate::timing::Spread;

/// Maximum difference of a test accuracy from the median.
const TOLERANCE: f64 = 0.005;
/// Number of trials in a sweep, by engine. The autograd engine is slower and gets fewer trials.
const FUSED_TRIALS: u32 = 16;
const AUTOGRAD_TRIALS: u32 = 4;

/// A contender and the measurements of all its turns, including the warm-up.
struct Lane<'a> {
    contender: Box<dyn Contender + 'a>,
    turns: Vec<Turn>,
}

impl Lane<'_> {
    fn turn(&mut self) -> Result<()> {
        eprintln!("  {}", self.contender.name());
        self.turns.push(self.contender.turn()?);
        Ok(())
    }

    /// Times of the measured turns. The first turn is the warm-up.
    fn seconds(&self) -> Spread {
        Spread::of(&self.turns.iter().skip(1).map(|turn| turn.seconds).collect::<Vec<_>>())
    }

    /// Test accuracy after [`EPOCHS`] epochs; NaN if it was not measured.
    fn accuracy(&self) -> f64 {
        self.turns.iter().find(|turn| turn.epochs == EPOCHS).map_or(f64::NAN, |turn| turn.accuracy)
    }
}

/// Measures all contenders and prints the table. Returns whether their test accuracies agree.
pub fn run(
    dataset: &Dataset,
    python: &Path,
    scratch: &Path,
    rounds: u32,
    cores: usize,
) -> Result<bool> {
    let rows: Vec<u32> = (0..).take(dataset.train.len()).collect();
    let (fused, autograd) = (EngineKind::Fused, EngineKind::Autograd);
    let mut contenders: Vec<Box<dyn Contender + '_>> = vec![
        Box::new(Sweep::new(scratch, fused, FUSED_TRIALS, cores)?),
        Box::new(Trial::new(fused, dataset, &rows)?),
        Box::new(Sweep::new(scratch, autograd, AUTOGRAD_TRIALS, cores)?),
        Box::new(Trial::new(autograd, dataset, &rows)?),
        Box::new(Bare::new(dataset, &rows)?),
    ];
    for peer in Peer::all(python, dataset, scratch, cores)? {
        contenders.push(Box::new(peer));
    }
    let mut lanes: Vec<_> =
        contenders.into_iter().map(|contender| Lane { contender, turns: Vec::new() }).collect();
    for round in 0..=rounds {
        eprintln!(
            "{}",
            if round == 0 { "warm-up".to_owned() } else { format!("round {round} of {rounds}") }
        );
        lanes.iter_mut().try_for_each(Lane::turn)?;
    }
    print(&lanes, rounds);
    Ok(agree(&lanes))
}

fn print(lanes: &[Lane<'_>], rounds: u32) {
    println!("\n## Peers\n");
    println!(
        "Time per trial and epoch on MNIST, batch size {BATCH}, learning rate {LEARNING_RATE}, with evaluation of the \
         10,000 test images after each epoch; {rounds} interleaved rounds."
    );
    let median = |lane: &Lane<'_>| lane.seconds().median;
    let [sweep, trial] = [0, 1].map(|lane| median(&lanes[lane]));
    let row = |lane: &Lane<'_>| {
        let Spread { median, min, max } = lane.seconds();
        let accuracy = format!("{:.2} %", 100.0 * lane.accuracy());
        let times = [median, min, max].map(table::seconds);
        let ratios = [sweep, trial].map(|of| table::ratio(median, of));
        let cores = lane.contender.cores().to_string();
        [&[lane.contender.name(), cores][..], &times, &ratios, &[accuracy]].concat()
    };
    table::print(
        &[
            "",
            "cores",
            "median",
            "min",
            "max",
            "vs fused sweep",
            "vs one fused trial",
            "test accuracy",
        ],
        &lanes.iter().map(row).collect::<Vec<_>>(),
    );
    println!("\nTest accuracy after {EPOCHS} epochs.");
}

/// Returns whether all test accuracies are close to their median. Prints the others to stderr.
fn agree(lanes: &[Lane<'_>]) -> bool {
    let accuracies: Vec<f64> = lanes.iter().map(Lane::accuracy).collect();
    let median = Spread::of(&accuracies).median;
    // NaN is not near.
    let near = |accuracy: &f64| (accuracy - median).abs() <= TOLERANCE;
    for (lane, accuracy) in lanes.iter().zip(&accuracies).filter(|(_, accuracy)| !near(accuracy)) {
        eprintln!(
            "the test accuracy of {} is {accuracy:.4}, but the median is {median:.4}",
            lane.contender.name()
        );
    }
    accuracies.iter().all(near)
}
