//! The parameters of the model in the layout of the kernel.

use super::lanes::{LANES, Lanes, Row};

/// Weights and bias of a model.
#[derive(Clone)]
pub(super) struct Parameters {
    pub(super) blocks: Vec<ClassBlock>,
    /// `[classes]`.
    pub(super) bias: Vec<f32>,
}

/// Weights of a few classes, whose accumulators and operands fit the sixteen vector registers.
#[derive(Clone)]
pub(super) struct ClassBlock {
    pub(super) first_class: usize,
    /// Number of classes.
    pub(super) width: usize,
    /// `[tiles, width]` vectors, one weight per pixel of a tile.
    pub(super) weight: Vec<Row>,
}

impl Parameters {
    /// Parameters that are all zero.
    pub(super) fn zeros(tiles: usize, classes: usize) -> Self {
        let mut blocks = Vec::new();
        let mut first_class = 0;
        while first_class < classes {
            let fits = |width: &usize| *width <= classes - first_class;
            let width = [10, 8, 4, 2].into_iter().find(fits).unwrap_or(1);
            blocks.push(ClassBlock {
                first_class,
                width,
                weight: vec![[0.0; LANES]; tiles * width],
            });
            first_class += width;
        }
        Self { blocks, bias: vec![0.0; classes] }
    }

    /// The weight of a class and a pixel.
    pub(super) fn weight(&self, class: usize, (tile, lane): (usize, usize)) -> f32 {
        let block = &self.blocks[self.block_of(class)];
        block.weight[tile * block.width + class - block.first_class][lane]
    }

    /// Mutable access to the weight of a class and a pixel.
    pub(super) fn weight_mut(&mut self, class: usize, (tile, lane): (usize, usize)) -> &mut f32 {
        let block = self.block_of(class);
        let block = &mut self.blocks[block];
        &mut block.weight[tile * block.width + class - block.first_class][lane]
    }

    fn block_of(&self, class: usize) -> usize {
        self.blocks.partition_point(|block| block.first_class + block.width <= class)
    }

    /// Adds `update` to all parameters.
    #[inline(always)]
    pub(super) fn add<L: Lanes>(&mut self, update: &Self) {
        for (block, update) in self.blocks.iter_mut().zip(&update.blocks) {
            for (weight, update) in block.weight.iter_mut().zip(&update.weight) {
                L::load(weight).add(L::load(update)).store(weight);
            }
        }
        for (bias, update) in self.bias.iter_mut().zip(&update.bias) {
            *bias += update;
        }
    }

    /// Sets all parameters to zero.
    pub(super) fn clear(&mut self) {
        for block in &mut self.blocks {
            block.weight.fill([0.0; LANES]);
        }
        self.bias.fill(0.0);
    }
}
