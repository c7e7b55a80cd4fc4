//! The contenders beside each other, turn by turn, so that what disturbs the machine disturbs all of them.

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

/// How far a test accuracy may be from the median of all.
const TOLERANCE: f64 = 0.005;
/// Trials of the fused engine's sweep, and of the slower one's.
const TRIALS: [u32; 2] = [16, 4];

/// A contender and what it did, the first turn included.
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

    /// The first turn is the warm-up.
    fn seconds(&self) -> Spread {
        Spread::of(&self.turns.iter().skip(1).map(|turn| turn.seconds).collect::<Vec<_>>())
    }

    /// After as many epochs as are compared.
    fn accuracy(&self) -> f64 {
        self.turns.iter().find(|turn| turn.epochs == EPOCHS).map_or(f64::NAN, |turn| turn.accuracy)
    }
}

/// Runs it and prints its table: whether all contenders learnt the same.
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
        Box::new(Sweep::new(scratch, fused, TRIALS[0], cores)?),
        Box::new(Trial::new(fused, dataset, &rows)?),
        Box::new(Sweep::new(scratch, autograd, TRIALS[1], cores)?),
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
        "Time a trial and epoch on MNIST, batch {BATCH}, learning rate {LEARNING_RATE}, the 10,000 test images \
         evaluated after each epoch; {rounds} interleaved rounds."
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
            "to the fused sweep",
            "to one fused trial",
            "test accuracy",
        ],
        &lanes.iter().map(row).collect::<Vec<_>>(),
    );
    println!("\nTest accuracy is that after {EPOCHS} epochs.");
}

/// Whether the test accuracies are close to their median; says on stderr which is not.
fn agree(lanes: &[Lane<'_>]) -> bool {
    let accuracies: Vec<f64> = lanes.iter().map(Lane::accuracy).collect();
    let median = Spread::of(&accuracies).median;
    // A NaN is far too.
    let near = |accuracy: &f64| (accuracy - median).abs() <= TOLERANCE;
    for (lane, accuracy) in lanes.iter().zip(&accuracies).filter(|(_, accuracy)| !near(accuracy)) {
        eprintln!(
            "{} has test accuracy {accuracy:.4}, the median is {median:.4}",
            lane.contender.name()
        );
    }
    accuracies.iter().all(near)
}
