//! Recorded runs with all metrics that a comparison can use.

mod epoch_choice;
mod measured_run;
mod metrics;
mod names;
mod reading;

pub use epoch_choice::EpochChoice;
pub use measured_run::{FACTS, MeasuredRun, epoch_metric, weights_file};
pub use metrics::{grid, is_final, metric_of};
pub use names::{distinct, metric_names, param_names, varying_params};
pub use reading::{measured_at_end, measured_runs};
