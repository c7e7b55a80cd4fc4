//! `runner EXPERIMENT.toml`: what is missing of experiments is run and recorded.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use candle_device::Prepared;
use tracking::{Experiment, Store};

use crate::cli::RunArgs;
use crate::cmd::{plan as plan_command, summary};
use crate::datasets::{Datasets, Resolved};
use crate::executor::AutogradExecutor;
use crate::plan::{Plan, Trial};
use crate::progress::Progress;
use crate::provenance;
use crate::record::{Circumstances, model_path, save_weights};
use crate::spec::Spec;
use crate::stop::Stop;
use crate::sweep::{Tally, sweep};
