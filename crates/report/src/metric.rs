//! Interprets metric names: direction, split and unit. No other module does.
//!
//! A name is split into words at every character that is neither a letter nor a digit, and case is
//! ignored, so `val/loss`, `test.WER` and `memory_mb` are known. Declarations of the user, the
//! experiment file or the training program take precedence over the tables in this module. A metric
//! of unknown direction appears in tables but never ranks.

use tracking::{Declarations, Direction};

/// Words of metrics that are better when lower.
#[rustfmt::skip]
const LESS: &[&str] = &[
    // Losses and errors.
    "loss", "losses", "error", "errors", "err", "mse", "rmse", "nrmse", "msle", "rmsle", "rmspe", "rmsd", "mae", "mape",
    "smape", "mase", "mdape", "wape", "medae", "sse", "bce", "ce", "xent", "crossentropy", "logloss", "nll", "nelbo", "hinge",
    "huber", "pinball", "crps", "cosh", "logcosh", "residual", "residuals", "misclassification", "misclassified", "mistakes",
    "risk", "regret", "penalty", "gap", "drift",
    // Language and speech.
    "perplexity", "ppl", "bpc", "bpb", "bpd", "bits", "wer", "cer", "ter", "ser", "mer", "wil", "der", "eer", "dcf", "mindcf",
    "mcd", "levenshtein",
    // Images, poses and generation.
    "fid", "kid", "fvd", "fad", "lpips", "dssim", "niqe", "brisque", "epe", "mpjpe", "silog", "chamfer", "hausdorff", "emd",
    // Distances and calibration.
    "distance", "dist", "divergence", "kl", "kld", "jsd", "mmd", "wasserstein", "brier", "ece", "mce", "ade", "fde",
    "deviation", "distortion", "discrepancy", "inertia", "aic", "bic", "deviance",
    // False alarms and failures.
    "fpr", "fnr", "far", "frr", "fdr", "hallucination", "hallucinations", "toxicity", "violations", "failures", "crashes",
];

/// Words of costs, which are better when lower. Every training run has costs, so they rank only if
/// nothing else was measured.
#[rustfmt::skip]
const COSTS: &[&str] = &[
    "latency", "delay", "lag", "jitter", "ttft", "tpot", "time", "runtime", "walltime", "duration", "elapsed", "seconds",
    "secs", "sec", "ms", "us", "ns", "minutes", "hours", "memory", "mem", "ram", "vram", "rss", "bytes", "kb", "mb", "gb", "kib",
    "mib", "gib", "params", "parameters", "flops", "gflops", "macs", "energy", "joules", "kwh", "watts", "co2", "cost", "costs",
    "price", "overhead", "size",
];

/// Words of speeds, which are better when higher. Like costs, they rank only if nothing else was
/// measured.
#[rustfmt::skip]
const SPEEDS: &[&str] = &[
    "throughput", "fps", "qps", "rps", "iops", "tps", "bandwidth", "speedup", "tflops", "utilization", "mfu",
];

/// Words of metrics that are better when higher.
#[rustfmt::skip]
const MORE: &[&str] = &[
    // Classification.
    "accuracy", "acc", "precision", "recall", "sensitivity", "specificity", "tpr", "tnr", "ppv", "npv", "f", "fbeta", "fscore",
    "fmeasure", "auc", "auroc", "roc", "rocauc", "aucroc", "auprc", "prauc", "aupr", "ap", "ar", "map", "mar", "kappa", "mcc",
    "matthews", "jaccard", "iou", "miou", "giou", "dice", "dsc", "pck", "youden", "hitrate", "em",
    // Agreement and explained variance.
    "r", "correlation", "corr", "pearson", "spearman", "kendall", "pcc", "srcc", "plcc", "explained", "likelihood", "elbo",
    "nmi", "ami", "ari", "silhouette", "homogeneity", "completeness", "purity", "vmeasure", "modularity", "concordance",
    "cindex", "similarity",
    // Ranking and retrieval.
    "ndcg", "dcg", "mrr",
    // Language, speech, images.
    "bleu", "sacrebleu", "rouge", "rougel", "rougelsum", "meteor", "chrf", "cider", "spice", "bertscore", "comet", "bleurt",
    "uas", "las", "psnr", "ssim", "msssim", "snr", "sdr", "sisdr", "sisnr", "stoi", "estoi", "pesq", "mos", "inception",
    "clipscore",
    // Decisions.
    "reward", "rewards", "return", "returns", "win", "wins", "winrate", "elo", "success", "profit", "revenue", "sharpe",
    "utility", "fitness",
];

/// Words of metrics that are better when higher, unless another word contradicts: `brier_score` is a
/// loss.
const WEAKLY_MORE: &[&str] = &[
    "score", "top", "quality", "match", "matches", "hit", "hits", "correct", "pass", "solved", "coverage", "gain",
    "lift",
];

/// Time units after "per" in a throughput, such as `images_per_second`.
const TIMES: &[&str] = &["s", "sec", "secs", "second", "seconds", "min", "minute", "h", "hour"];

/// Words that reverse a direction: a negative log likelihood is a loss, and scikit-learn's
/// `neg_log_loss` is a score.
const NEGATIVE: &[&str] = &["negative", "neg", "minus", "inverse", "inv"];

/// Words of statistics about a metric, such as `std_test_acc` and `acc_drop`. Their direction is
/// unknown.
const UNCLEAR: &[&str] = &[
    "std",
    "stdev",
    "stddev",
    "sd",
    "stderr",
    "sem",
    "var",
    "variance",
    "ci",
    "lower",
    "upper",
    "delta",
    "diff",
    "difference",
    "change",
    "drop",
    "survival",
    "travelled",
    "traveled",
    "count",
    "num",
];

/// The examples on which a metric was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Training examples.
    Train,
    /// Validation examples, which choose a setting.
    Validation,
    /// Test examples, which estimate how good the chosen setting is.
    Test,
    /// The name has no split.
    Unsaid,
}

/// The unit in which a metric is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction from 0 to 1, shown in percent.
    Fraction,
    /// A percentage from 0 to 100, shown unchanged.
    Percent,
    /// Seconds.
    Seconds,
    /// A plain number.
    Number,
}

impl Unit {
    /// The unit of the metric `name`. `largest` is the largest absolute value: an accuracy above 1
    /// was logged in percent.
    pub fn of(name: &str, largest: f64) -> Self {
        match kind(name) {
            Kind::Accuracy if largest <= 1.0 => Self::Fraction,
            Kind::Accuracy if largest <= 100.0 => Self::Percent,
            Kind::Seconds => Self::Seconds,
            _ => Self::Number,
        }
    }

    /// The factor from a recorded value to the shown number.
    pub fn scale(self) -> f64 {
        if self == Self::Fraction { 100.0 } else { 1.0 }
    }

    /// Whether differences are percentage points.
    pub fn is_points(self) -> bool {
        matches!(self, Self::Fraction | Self::Percent)
    }
}

/// A metric of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The name in the store.
    pub name: String,
    /// Whether lower or higher is better; `None` if unknown.
    pub direction: Option<Direction>,
    /// The unit in which it is shown.
    pub unit: Unit,
}

impl Metric {
    /// Converts a value to a worth, and back: a worth is better when higher.
    pub fn worth(&self, value: f64) -> f64 {
        if self.is_minimized() { -value } else { value }
    }

    /// Whether lower is better.
    pub fn is_minimized(&self) -> bool {
        self.direction == Some(Direction::Minimize)
    }
}

/// Declarations about metrics. The command line takes precedence over the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Directions from the command line, and from the experiment.
    directions: [Vec<(String, Direction)>; 2],
    rank: Option<String>,
    report: Option<String>,
}

impl Rules {
    /// Combines directions from the command line with the declarations of an experiment.
    pub fn new(asked: &[(String, Direction)], declared: &Declarations) -> Self {
        Self {
            directions: [asked.to_vec(), declared.directions.clone()],
            rank: declared.rank.clone(),
            report: declared.report.clone(),
        }
    }

    /// The direction of the metric `name`: declared for the name, declared for the name without its
    /// split, or inferred from its words.
    pub fn direction(&self, name: &str) -> Option<Direction> {
        let declared = |directions: &Vec<(String, Direction)>| {
            let of = |wanted: &str| directions.iter().find(|(known, _)| known == wanted).map(|(_, it)| *it);
            of(name).or_else(|| of(base(name)))
        };
        self.directions.iter().find_map(declared).or_else(|| direction(name))
    }

    /// The metric that ranks by default. A declared metric comes first. Otherwise the order is by
    /// cost (last), then by split, then accuracy, loss, other metrics. A held-out validation comes
    /// before the test set; if the test set is the validation, it comes first. Training metrics,
    /// metrics of unknown direction, and metrics that `may` excludes do not rank.
    pub fn ranking<'a>(&self, metrics: &[&'a str], may: impl Fn(&str) -> bool, validation: &str) -> Option<&'a str> {
        let declared = metrics.iter().find(|name| Some(**name) == self.rank.as_deref());
        let order: [Split; 3] = match validation {
            "test" => [Split::Test, Split::Validation, Split::Unsaid],
            _ => [Split::Validation, Split::Test, Split::Unsaid],
        };
        let place = |name: &&&str| {
            let split = order.iter().position(|it| *it == split(name)).unwrap_or(order.len());
            let kind = match kind(name) {
                Kind::Accuracy => 0,
                Kind::Loss => 1,
                _ => 2,
            };
            (is_cost(name), split, kind)
        };
        let ranks = |name: &&&str| {
            may(name) && split(name) != Split::Train && **name != SECONDS && self.direction(name).is_some()
        };
        declared.or_else(|| metrics.iter().filter(ranks).min_by_key(place)).copied()
    }

    /// The metric that estimates how good the chosen setting is: the declared one, or the test
    /// metric with the same base name if a held-out validation ranks.
    pub fn reported<'a>(&self, ranking: &str, metrics: &[&'a str], validation: &str) -> Option<&'a str> {
        let known = |name: &str| metrics.iter().find(|it| **it == name && name != ranking).copied();
        if let Some(declared) = self.report.as_deref().and_then(known) {
            return Some(declared);
        }
        if validation == "test" || split(ranking) != Split::Validation {
            return None;
        }
        metrics.iter().find(|name| split(name) == Split::Test && base(name) == base(ranking)).copied()
    }
}

/// The duration of a run, which the store adds to the results of every run.
const SECONDS: &str = "seconds";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Accuracy,
    Loss,
    Seconds,
    Other,
}

fn kind(name: &str) -> Kind {
    let has = |wanted: &[&str]| words(name).any(|word| wanted.contains(&word.as_str()));
    let direction = direction(name);
    let less = direction == Some(Direction::Minimize);
    if direction == Some(Direction::Maximize) && has(&["accuracy", "acc"]) {
        Kind::Accuracy
    } else if less && has(&["seconds", "secs", "sec"]) {
        Kind::Seconds
    } else if less && has(&["loss"]) {
        Kind::Loss
    } else {
        Kind::Other
    }
}

/// The words of a name, in lower case.
fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Infers the direction from the words of a name; `None` if no word is known or words contradict
/// each other.
fn direction(name: &str) -> Option<Direction> {
    let words: Vec<String> = words(name).collect();
    let follows = |first, second| follows(&words, first, second);
    if follows("per", TIMES) && !is_any(&words, LESS) {
        return Some(Direction::Maximize);
    }
    // "per" at the end is the phoneme error rate. The other metrics have names of two words.
    let errors = words.last().is_some_and(|word| word == "per")
        || follows("cross", &["entropy"])
        || follows("false", &["positive", "positives", "negative", "negatives", "alarm", "alarms", "discovery"]);
    if errors {
        return Some(Direction::Minimize);
    }
    if follows("true", &["positive", "positives", "negative", "negatives"]) || follows("explained", &["variance"]) {
        return Some(Direction::Maximize);
    }
    if is_any(&words, UNCLEAR) {
        return None;
    }
    let less = is_any(&words, LESS) || is_any(&words, COSTS);
    let more = is_any(&words, MORE) || is_any(&words, SPEEDS) || (!less && is_any(&words, WEAKLY_MORE));
    let negative = is_any(&words, NEGATIVE);
    match (less, more) {
        (true, false) if negative => Some(Direction::Maximize),
        (true, false) => Some(Direction::Minimize),
        (false, true) if negative => Some(Direction::Minimize),
        (false, true) => Some(Direction::Maximize),
        _ => None,
    }
}

/// Whether any word, or its part before the first digit, is in `list`: `rouge2`, `f1`, `fid50k`.
fn is_any(words: &[String], list: &[&str]) -> bool {
    let stem = |word: &str| word.split(|c: char| c.is_ascii_digit()).next().map_or(String::new(), str::to_owned);
    words.iter().any(|word| list.contains(&word.as_str()) || list.contains(&stem(word).as_str()))
}

/// Whether the word `first` comes directly before a word of `second`.
fn follows(words: &[String], first: &str, second: &[&str]) -> bool {
    words.windows(2).any(|pair| pair[0] == first && second.contains(&pair[1].as_str()))
}

/// Whether a metric measures cost or speed instead of quality.
fn is_cost(name: &str) -> bool {
    let words: Vec<String> = words(name).collect();
    let is_speed = is_any(&words, SPEEDS) || follows(&words, "per", TIMES);
    !is_any(&words, LESS) && !is_any(&words, MORE) && (is_any(&words, COSTS) || is_speed)
}

/// The split in a metric's name.
pub fn split(name: &str) -> Split {
    words(name).find_map(|word| split_word(&word)).unwrap_or(Split::Unsaid)
}

fn split_word(word: &str) -> Option<Split> {
    match word {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" | "dev" | "eval" => Some(Split::Validation),
        "test" | "testing" | "holdout" => Some(Split::Test),
        _ => None,
    }
}

/// Whether a per-epoch metric is a training metric, by its split or by Keras's convention: `loss`
/// and `accuracy` without a split are running means over the batches of an epoch.
pub fn is_of_training(name: &str) -> bool {
    split(name) == Split::Train || matches!(name, "loss" | "accuracy" | "acc")
}

/// Whether a name is bookkeeping of the training loop instead of a metric.
pub fn is_bookkeeping(name: &str) -> bool {
    matches!(name, "learning_rate" | "lr" | "epoch" | "step" | "global_step" | SECONDS)
}

/// A name without a split at its beginning or end: `wer` for `val_wer`, `Loss` for `Loss/test`.
pub fn base(name: &str) -> &str {
    let is_split = |word: &str| split_word(&word.to_lowercase()).is_some();
    let border = |c: char| !c.is_alphanumeric();
    match (name.split_once(border), name.rsplit_once(border)) {
        (Some((first, rest)), _) if !rest.is_empty() && is_split(first) => rest,
        (_, Some((rest, last))) if !rest.is_empty() && is_split(last) => rest,
        _ => name,
    }
}

/// The position of a metric in tables. Unknown metrics come after the known ones and before time.
pub fn position(name: &str) -> usize {
    const ORDER: [&str; 6] = ["val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy", "train_loss"];
    match ORDER.iter().position(|known| *known == name) {
        Some(position) => position,
        None if name == SECONDS => ORDER.len() + 1,
        None => ORDER.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directions(names: &[&str]) -> Vec<(String, Option<Direction>)> {
        names.iter().map(|name| ((*name).to_owned(), direction(name))).collect()
    }

    #[test]
    fn losses_errors_and_costs_are_better_when_lower() {
        #[rustfmt::skip]
        let names = [
            "loss", "val_loss", "val/loss", "Loss/test", "test.loss", "train loss", "RMSE", "rmse", "mse", "mae", "mape", "wer", "cer",
            "val_wer", "test-cer", "nll", "neg_log_likelihood", "perplexity", "ppl", "bpc", "bits_per_byte", "fid", "fid50k", "kid",
            "lpips", "latency", "latency_ms", "p99_latency", "memory_mb", "gpu_mem", "peak_rss", "seconds", "train_time", "ms_per_token",
            "seconds_per_step", "error", "error_rate", "top5_error", "err", "mean_absolute_error", "log_loss", "logloss", "brier_score",
            "ece", "eer", "per", "val_per", "false_positive_rate", "fpr", "false_negatives", "kl", "kl_divergence", "cross_entropy",
            "binary_crossentropy", "hinge", "regret", "cost", "energy_kwh", "params", "flops", "chamfer_distance", "hausdorff95",
            "aic", "errors_per_minute", "generalization_gap", "crps", "inference_time_s", "sparse_categorical_crossentropy",
        ];
        for (name, direction) in directions(&names) {
            assert_eq!(direction, Some(Direction::Minimize), "{name}");
        }
    }

    #[test]
    fn scores_and_speeds_are_better_when_higher() {
        #[rustfmt::skip]
        let names = [
            "accuracy", "val_accuracy", "val/acc", "acc@1", "top5_acc", "top1", "f1", "F1-macro", "f1:macro", "precision", "recall@5",
            "auc", "ROC-AUC", "auprc", "mAP", "mAP@0.5:0.95", "AP50", "mIoU", "dice", "bleu", "BLEU-4", "rouge1", "rougeL", "r2", "R2",
            "pearson", "ndcg@10", "MRR", "hits@10", "reward", "mean_return", "win_rate", "psnr", "ssim", "log_likelihood", "elbo",
            "throughput", "images_per_second", "tokens/s/gpu tokens_per_sec", "samples_per_second", "bytes_per_second", "exact_match",
            "em", "my_score", "silhouette_score", "neg_log_loss", "neg_mean_squared_error", "true_positive_rate", "mcc", "pass@1",
            "explained_variance", "cosine_similarity", "inception_score",
        ];
        for (name, direction) in directions(&names) {
            assert_eq!(direction, Some(Direction::Maximize), "{name}");
        }
    }

    #[test]
    fn other_names_have_no_direction() {
        for (name, direction) in
            directions(&["foo", "babble", "entropy", "temperature", "accuracy_loss", "x", "", "lossless", "norm"])
        {
            assert_eq!(direction, None, "{name}");
        }
    }

    #[test]
    fn statistics_about_a_metric_have_no_direction() {
        for (name, direction) in directions(&[
            "std_test_acc",
            "test_acc_drop",
            "acc_ci95",
            "loss_var",
            "survival_time",
            "distance_travelled",
        ]) {
            assert_eq!(direction, None, "{name}");
        }
        assert_eq!(Unit::of("std_test_acc", 0.02), Unit::Number);
        assert_eq!(direction("explained_variance"), Some(Direction::Maximize));
    }

    #[test]
    fn command_line_direction_overrides_the_experiment() {
        let declared =
            Declarations { directions: vec![("val_babble".into(), Direction::Maximize)], ..Declarations::default() };
        let rules = Rules::new(&[("babble".into(), Direction::Minimize)], &declared);
        assert_eq!(rules.direction("val_babble"), Some(Direction::Minimize));
    }

    #[test]
    fn declared_direction_overrides_the_name() {
        let declared = Declarations {
            directions: vec![("babble".into(), Direction::Minimize), ("accuracy".into(), Direction::Minimize)],
            ..Declarations::default()
        };
        let rules = Rules::new(&[("val_babble".into(), Direction::Maximize)], &declared);
        assert_eq!(rules.direction("val_babble"), Some(Direction::Maximize), "what the user says goes first");
        assert_eq!(rules.direction("test_babble"), Some(Direction::Minimize), "without its split");
        assert_eq!(rules.direction("accuracy"), Some(Direction::Minimize));
        assert_eq!(rules.direction("foo"), None);
    }

    #[test]
    fn ranking_skips_training_metrics_and_unknown_directions() {
        let rules = Rules::default();
        let ranking = |metrics: &[&'static str], validation| rules.ranking(metrics, |_| true, validation);
        assert_eq!(ranking(&["val_accuracy", "test_accuracy", "test_loss"], "test"), Some("test_accuracy"));
        assert_eq!(ranking(&["val_accuracy", "test_accuracy", "test_loss"], "0.1"), Some("val_accuracy"));
        assert_eq!(ranking(&["val_loss", "val_accuracy"], "0.1"), Some("val_accuracy"));
        assert_eq!(ranking(&["train_accuracy", "train/loss", "val/loss", "seconds"], "test"), Some("val/loss"));
        assert_eq!(ranking(&["latency", "wer"], "test"), Some("wer"));
        assert_eq!(ranking(&["images_per_second", "bleu"], "test"), Some("bleu"));
        assert_eq!(ranking(&["latency", "seconds"], "test"), Some("latency"));
        assert_eq!(ranking(&["seconds", "train_loss", "foo"], "test"), None);
        let declared = Declarations { rank: Some("train_loss".into()), ..Declarations::default() };
        assert_eq!(
            Rules::new(&[], &declared).ranking(&["train_loss", "test_loss"], |_| true, "test"),
            Some("train_loss")
        );
    }

    #[test]
    fn held_out_validation_reports_the_test_metric() {
        let rules = Rules::default();
        let metrics = ["val_wer", "test_wer", "test_loss", "Loss/val", "Loss/test"];
        assert_eq!(rules.reported("val_wer", &metrics, "0.1"), Some("test_wer"));
        assert_eq!(rules.reported("Loss/val", &metrics, "0.1"), Some("Loss/test"));
        assert_eq!(rules.reported("test_wer", &metrics, "0.1"), None);
        assert_eq!(rules.reported("val_wer", &metrics, "test"), None);
        let declared = Declarations { report: Some("test_loss".into()), ..Declarations::default() };
        assert_eq!(Rules::new(&[], &declared).reported("val_wer", &metrics, "0.1"), Some("test_loss"));
    }

    #[test]
    fn accuracy_above_one_is_a_percentage() {
        assert_eq!(Unit::of("test_accuracy", 0.93), Unit::Fraction);
        assert_eq!(Unit::of("test_accuracy", 91.2), Unit::Percent);
        assert_eq!(Unit::of("test_accuracy", 300.0), Unit::Number);
        assert_eq!(Unit::of("val/acc", 1.0), Unit::Fraction);
        assert_eq!(Unit::of("f1", 0.5), Unit::Number);
        assert_eq!(Unit::of("seconds", 3.0), Unit::Seconds);
        assert_eq!(Unit::of("images_per_second", 3.0), Unit::Number);
    }
}
