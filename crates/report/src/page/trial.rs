//! The best trial: weights, confusion matrix and mistakes.

use analysis::runs::EpochChoice;
use serde::Serialize;

use super::details::BestTrial;
use super::figures::{self, Figure};
use super::picture::base64;
use super::text::truncated;
use crate::number_format;
use crate::wording;

/// The best trial.
#[derive(Debug, Serialize)]
pub struct Trial {
    pub title: String,
    pub confusion: Option<Figure>,
    pub weights: Vec<Picture>,
    pub mistakes: Vec<Picture>,
    pub notes: Vec<String>,
}

/// An image with its caption.
#[derive(Debug, Serialize)]
pub struct Picture {
    pub png: String,
    pub caption: String,
    pub alternative: String,
}

/// The best trial. `epoch` is the choice of the comparison.
pub fn trial(id: &str, best: &BestTrial, epoch: EpochChoice) -> Trial {
    let values: Vec<String> =
        best.run.params.iter().map(|(name, value)| wording::constant(name, value)).collect();
    let title = truncated(&format!(
        "trial {} · run {} · {}",
        best.run.trial,
        best.run.id,
        values.join(" · ")
    ))
    .into_owned();
    let mut notes = Vec::new();
    let Some(examples) = &best.examples else {
        // A program has none.
        if best.run.program_sha256.is_none() {
            notes.push("The error analysis of this trial was not recorded.".to_owned());
        }
        return Trial { title, confusion: None, weights: Vec::new(), mistakes: Vec::new(), notes };
    };
    if epoch != EpochChoice::Last {
        notes.push("These are the final weights, after the last epoch.".to_owned());
    }
    let mistake = |mistake: &tracking::Mistake| {
        let probability = number_format::percent(mistake.probability);
        Picture {
            png: base64(&mistake.picture),
            caption: format!("{} → {} ({probability})", mistake.label, mistake.predicted),
            alternative: format!(
                "test example {}: class {}, predicted as {} with probability {probability}",
                mistake.index, mistake.label, mistake.predicted
            ),
        }
    };
    let pictures = best
        .weights
        .as_ref()
        .map(|weights| weights.pictures(examples.rows as usize, examples.columns as usize));
    if pictures.as_ref().is_none_or(Vec::is_empty) {
        notes.push("No picture: the weights are missing or do not fit an image.".to_owned());
    }
    let weight = |(class, png): (usize, Vec<u8>)| Picture {
        png: base64(&png),
        caption: class.to_string(),
        alternative: format!("weights of class {class}, as an image"),
    };
    Trial {
        title,
        confusion: figures::confusion(id, examples),
        weights: pictures.into_iter().flatten().enumerate().map(weight).collect(),
        mistakes: examples.mistakes.iter().map(mistake).collect(),
        notes,
    }
}
