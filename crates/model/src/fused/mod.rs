//! The fast engine: a hand-written gradient of softmax regression over the non-empty tiles of images,
//! on the CPU.
//!
//! `kernel` contains the formula and the order of the computation, `parameters` and `tiles` the layout
//! of weights and images, `lanes` the vector instructions.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the engine computes in f32; images and classes number far fewer than 2³²"
)]

mod dispatch;
mod huge_pages;
mod kernel;
mod lanes;
mod parameters;
mod tiles;

use std::cell::RefCell;
use std::sync::Arc;

use data::Dataset;

use crate::engine::{Engine, EngineError, Examples, Prediction, Score, check_shape};
use crate::hyperparameters::Hyperparameters;
use crate::softmax_regression::initial_weights;
use crate::weights::Weights;

pub use dispatch::InstructionSet;
use kernel::Workspace;
use parameters::Parameters;
use tiles::{Grid, Tiles};

/// A dataset as tiles, shared by all trials.
pub struct FusedData {
    train: Tiles,
    test: Tiles,
    test_rows: Vec<u32>,
    grid: Grid,
    classes: usize,
    features: usize,
}

impl FusedData {
    /// Divides the images of `dataset` into tiles.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(dataset: &Dataset) -> Result<Self, EngineError> {
        let grid = Grid::with_fewest_tiles(dataset.shape, &dataset.train.images);
        let cut = |split| {
            Tiles::new(split, grid)
                .map_err(|error| EngineError { engine: "fused", reason: error.to_string() })
        };
        let (train, test) = (cut(&dataset.train)?, cut(&dataset.test)?);
        let test_rows = (0..).take(dataset.test.len()).collect();
        Ok(Self {
            train,
            test,
            test_rows,
            grid,
            classes: dataset.classes,
            features: dataset.shape.features(),
        })
    }
}

/// One training with the fused kernel.
pub struct Fused {
    data: Arc<FusedData>,
    instructions: InstructionSet,
    parameters: Parameters,
    /// A cell, because an evaluation also needs the memory and takes `&self`.
    workspace: RefCell<Workspace>,
}

impl Fused {
    /// Creates an engine with initial weights. AVX2 and AVX-512 give the same bits.
    /// [`InstructionSet::portable`] gives other bits.
    #[must_use]
    pub fn new(
        data: Arc<FusedData>,
        hyperparameters: &Hyperparameters,
        instructions: InstructionSet,
    ) -> Self {
        let Hyperparameters { init, seed, .. } = *hyperparameters;
        let weights = initial_weights(data.features, data.classes, init, seed);
        let (tiles, classes) = (data.grid.tiles(), data.classes);
        let (parameters, workspace) =
            (Parameters::zeros(tiles, classes), RefCell::new(Workspace::new(tiles, classes)));
        let mut fused = Self { data, instructions, parameters, workspace };
        fused.set_weights(&weights);
        fused
    }

    fn set_weights(&mut self, weights: &Weights) {
        for (index, value) in weights.weight.iter().enumerate() {
            let (class, feature) = (index / self.data.features, index % self.data.features);
            *self.parameters.weight_mut(class, self.data.grid.position(feature)) = *value;
        }
        self.parameters.bias.clone_from(&weights.bias);
    }
}

impl Engine for Fused {
    fn step(
        &mut self,
        batch: &[u32],
        upcoming: &[u32],
        learning_rate: f64,
    ) -> Result<Score, EngineError> {
        let images = self.data.train.view();
        let workspace = self.workspace.get_mut();
        let rate = learning_rate as f32;
        Ok(dispatch::step(
            self.instructions,
            &mut self.parameters,
            workspace,
            images,
            batch,
            upcoming,
            rate,
        ))
    }

    fn evaluate(&self, examples: Examples<'_>) -> Result<Score, EngineError> {
        let (tiles, rows) = match examples {
            Examples::Train(rows) => (&self.data.train, rows),
            Examples::Test => (&self.data.test, &self.data.test_rows[..]),
        };
        let mut workspace = self.workspace.borrow_mut();
        Ok(dispatch::evaluate(
            self.instructions,
            &self.parameters,
            &mut workspace,
            tiles.view(),
            rows,
            None,
        ))
    }

    fn predict(&self) -> Result<(Score, Vec<Prediction>), EngineError> {
        let FusedData { test, test_rows: rows, .. } = &*self.data;
        let mut workspace = self.workspace.borrow_mut();
        let mut predictions = Vec::with_capacity(rows.len());
        let score = dispatch::evaluate(
            self.instructions,
            &self.parameters,
            &mut workspace,
            test.view(),
            rows,
            Some(&mut predictions),
        );
        Ok((score, predictions))
    }

    fn weights(&self) -> Result<Weights, EngineError> {
        let (classes, features) = (self.data.classes, self.data.features);
        let at = |index| {
            self.parameters.weight(index / features, self.data.grid.position(index % features))
        };
        let weight = (0..classes * features).map(at).collect();
        Ok(Weights { classes, features, weight, bias: self.parameters.bias.clone() })
    }

    fn restore(&mut self, weights: &Weights) -> Result<(), EngineError> {
        check_shape("fused", weights, self.data.classes, self.data.features)?;
        self.set_weights(weights);
        Ok(())
    }
}
