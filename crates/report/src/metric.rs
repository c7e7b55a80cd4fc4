//! What a metric's name means: which end of it is good, what it was measured on, and how it is shown. Nothing else in this crate
//! reads meaning into a name.
//!
//! A name is split into words at every character that is no letter or digit, and case is ignored: `val/loss`, `test.WER` and
//! `memory_mb` are understood. What the user, the experiment file or the training program declares goes before the table here. A metric
//! whose direction is not known is shown, but never ranks.

use tracking::{Declarations, Direction};

/// Words that say that less is better.
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

/// Costs, of which less is better too. Every training has some, so that they rank only where nothing else was measured.
#[rustfmt::skip]
const COSTS: &[&str] = &[
    "latency", "delay", "lag", "jitter", "ttft", "tpot", "time", "runtime", "walltime", "duration", "elapsed", "seconds",
    "secs", "sec", "ms", "us", "ns", "minutes", "hours", "memory", "mem", "ram", "vram", "rss", "bytes", "kb", "mb", "gb", "kib",
    "mib", "gib", "params", "parameters", "flops", "gflops", "macs", "energy", "joules", "kwh", "watts", "co2", "cost", "costs",
    "price", "overhead", "size",
];

/// Speeds, of which more is better. They rank as costs do.
#[rustfmt::skip]
const SPEEDS: &[&str] = &[
    "throughput", "fps", "qps", "rps", "iops", "tps", "bandwidth", "speedup", "tflops", "utilization", "mfu",
];

/// Words that say that more is better.
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

/// Words that say that more is better only where no other word says something else: `brier_score` is a loss.
const WEAKLY_MORE: &[&str] = &[
    "score", "top", "quality", "match", "matches", "hit", "hits", "correct", "pass", "solved", "coverage", "gain",
    "lift",
];

/// What a throughput counts by: `images_per_second` is one, `seconds_per_step` is none.
const TIMES: &[&str] = &["s", "sec", "secs", "second", "seconds", "min", "minute", "h", "hour"];

/// Words that turn a direction over: a negative log likelihood is a loss, and scikit-learn's `neg_log_loss` a score.
const NEGATIVE: &[&str] = &["negative", "neg", "minus", "inverse", "inv"];

/// Words with which a name says something about a metric that is no better for more or for less of it: `std_test_acc`, `acc_drop`.
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

/// What a metric was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The examples that are trained on.
    Train,
    /// The examples that choose.
    Validation,
    /// The examples that tell how good the choice is.
    Test,
    /// The name does not say.
    Unsaid,
}

/// How the numbers of a metric are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction from 0 to 1, shown in per cent.
    Fraction,
    /// A number from 0 to 100 that is one of per cent already.
    Percent,
    /// Seconds.
    Seconds,
    /// A plain number.
    Number,
}

impl Unit {
    /// The unit of the metric `name`, whose largest value is `largest` in size: an accuracy above one was logged in per cent.
    pub fn of(name: &str, largest: f64) -> Self {
        match kind(name) {
            Kind::Accuracy if largest <= 1.0 => Self::Fraction,
            Kind::Accuracy if largest <= 100.0 => Self::Percent,
            Kind::Seconds => Self::Seconds,
            _ => Self::Number,
        }
    }

    /// What a number is multiplied by where it is shown.
    pub fn scale(self) -> f64 {
        if self == Self::Fraction { 100.0 } else { 1.0 }
    }

    /// Whether differences are points of per cent.
    pub fn is_points(self) -> bool {
        matches!(self, Self::Fraction | Self::Percent)
    }
}

/// A metric of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Which end of it is good, where that is known.
    pub direction: Option<Direction>,
    /// How its numbers are shown.
    pub unit: Unit,
}

impl Metric {
    /// `value`, turned so that more is better.
    pub fn worth(&self, value: f64) -> f64 {
        if self.is_minimized() { -value } else { value }
    }

    /// Whether less is better.
    pub fn is_minimized(&self) -> bool {
        self.direction == Some(Direction::Minimize)
    }
}

/// What is declared of metrics: by the user on the command line, or else by the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Directions: those of the user, and those of the experiment.
    directions: [Vec<(String, Direction)>; 2],
    rank: Option<String>,
    report: Option<String>,
}

impl Rules {
    /// What the user says goes before what the experiment declares.
    pub fn new(asked: &[(String, Direction)], declared: &Declarations) -> Self {
        Self {
            directions: [asked.to_vec(), declared.directions.clone()],
            rank: declared.rank.clone(),
            report: declared.report.clone(),
        }
    }

    /// Which end of the metric `name` is good: as declared, of it or of its name without the split, or as its words say.
    pub fn direction(&self, name: &str) -> Option<Direction> {
        let declared = |directions: &Vec<(String, Direction)>| {
            let of = |wanted: &str| directions.iter().find(|(known, _)| known == wanted).map(|(_, it)| *it);
            of(name).or_else(|| of(base(name)))
        };
        self.directions.iter().find_map(declared).or_else(|| direction(name))
    }

    /// The metric that ranks where the user asks for no other: the declared one; or else of the validation before the test set and
    /// what says neither, or the test set first where that is the validation; of these an accuracy before a loss before any other, and
    /// costs last. Of what nobody declared, only metrics that `may` rank do, whose direction is known and which are not of the training
    /// set.
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

    /// The metric that tells how good the choice is that `ranking` makes: the declared one; or else that of the test set, where a
    /// validation set of its own chooses.
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

/// The time of a run, which the store adds to every run's results.
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

/// Which end is good, as the words of a name say. Words that contradict each other say nothing.
fn direction(name: &str) -> Option<Direction> {
    let words: Vec<String> = words(name).collect();
    let follows = |first, second| follows(&words, first, second);
    if follows("per", TIMES) && !is_any(&words, LESS) {
        return Some(Direction::Maximize);
    }
    // Phoneme error rate; two words for what is one; rates of a confusion matrix.
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

/// Whether a word is of `list`, or what stands before its first digit: `rouge2`, `f1`, `fid50k`.
fn is_any(words: &[String], list: &[&str]) -> bool {
    let stem = |word: &str| word.split(|c: char| c.is_ascii_digit()).next().map_or(String::new(), str::to_owned);
    words.iter().any(|word| list.contains(&word.as_str()) || list.contains(&stem(word).as_str()))
}

/// Whether the word `first` comes right before one of `second`.
fn follows(words: &[String], first: &str, second: &[&str]) -> bool {
    words.windows(2).any(|pair| pair[0] == first && second.contains(&pair[1].as_str()))
}

/// Whether a metric tells what a run cost and not how well it did.
fn is_cost(name: &str) -> bool {
    let words: Vec<String> = words(name).collect();
    let is_speed = is_any(&words, SPEEDS) || follows(&words, "per", TIMES);
    !is_any(&words, LESS) && !is_any(&words, MORE) && (is_any(&words, COSTS) || is_speed)
}

/// What a metric was measured on, as its name says.
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

/// Whether a metric that is measured by epoch is of the training set: as its name says, or by the convention of Keras, where names
/// without a split are running means over the epoch's batches.
pub fn is_of_training(name: &str) -> bool {
    split(name) == Split::Train || matches!(name, "loss" | "accuracy" | "acc")
}

/// Whether a name says how the training went on, and no metric: a rate, a count, a clock.
pub fn is_bookkeeping(name: &str) -> bool {
    matches!(name, "learning_rate" | "lr" | "epoch" | "step" | "global_step" | SECONDS)
}

/// A name without the word at its beginning or end that says the split: `wer` of `val_wer`, `Loss` of `Loss/test`.
pub fn base(name: &str) -> &str {
    let is_split = |word: &str| split_word(&word.to_lowercase()).is_some();
    let border = |c: char| !c.is_alphanumeric();
    match (name.split_once(border), name.rsplit_once(border)) {
        (Some((first, rest)), _) if !rest.is_empty() && is_split(first) => rest,
        (_, Some((rest, last))) if !rest.is_empty() && is_split(last) => rest,
        _ => name,
    }
}

/// Where tables have the metric `name`: unknown ones stand between what was measured and how long it took.
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
    fn less_of_a_loss_an_error_or_a_cost_is_better() {
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
    fn more_of_a_score_or_a_speed_is_better() {
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
    fn of_other_names_no_direction_is_known() {
        for (name, direction) in
            directions(&["foo", "babble", "entropy", "temperature", "accuracy_loss", "x", "", "lossless", "norm"])
        {
            assert_eq!(direction, None, "{name}");
        }
    }

    /// Neither more nor less of it is better, whatever it is of.
    #[test]
    fn what_is_said_about_a_metric_is_no_metric() {
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
    fn what_the_user_says_goes_before_what_the_experiment_declares() {
        let declared =
            Declarations { directions: vec![("val_babble".into(), Direction::Maximize)], ..Declarations::default() };
        let rules = Rules::new(&[("babble".into(), Direction::Minimize)], &declared);
        assert_eq!(rules.direction("val_babble"), Some(Direction::Minimize));
    }

    #[test]
    fn a_declaration_goes_before_a_name() {
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
    fn what_ranks_is_known_and_not_of_the_training_set() {
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
    fn the_test_set_tells_how_good_a_choice_is() {
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
    fn an_accuracy_above_one_is_in_per_cent() {
        assert_eq!(Unit::of("test_accuracy", 0.93), Unit::Fraction);
        assert_eq!(Unit::of("test_accuracy", 91.2), Unit::Percent);
        assert_eq!(Unit::of("test_accuracy", 300.0), Unit::Number);
        assert_eq!(Unit::of("val/acc", 1.0), Unit::Fraction);
        assert_eq!(Unit::of("f1", 0.5), Unit::Number);
        assert_eq!(Unit::of("seconds", 3.0), Unit::Seconds);
        assert_eq!(Unit::of("images_per_second", 3.0), Unit::Number);
    }
}
