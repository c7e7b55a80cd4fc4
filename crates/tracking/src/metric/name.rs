//! Reads the direction, split and quantity of a metric from its name. No other module interprets
//! names.

use crate::Direction;
use crate::typed_name::is_same;

/// Words of metrics that are better when lower.
#[rustfmt::skip]
const LOWER_IS_BETTER: &[&str] = &[
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

/// Words of durations, which are costs.
#[rustfmt::skip]
const DURATIONS: &[&str] = &[
    "latency", "delay", "lag", "jitter", "ttft", "tpot", "time", "runtime", "walltime", "duration", "elapsed", "seconds",
    "secs", "sec", "ms", "us", "ns", "minutes", "hours",
];

/// Words of other costs, which are better when lower. Costs rank only if nothing else was measured,
/// because every training run has some.
#[rustfmt::skip]
const COSTS: &[&str] = &[
    "memory", "mem", "ram", "vram", "rss", "bytes", "kb", "mb", "gb", "kib",
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
const HIGHER_IS_BETTER: &[&str] = &[
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

/// Words of metrics that are better when higher, unless another word contradicts: `brier_score` is
/// a loss.
const WEAKLY_HIGHER_IS_BETTER: &[&str] = &[
    "score", "top", "quality", "match", "matches", "hit", "hits", "correct", "pass", "solved",
    "coverage", "gain", "lift",
];

/// Time units after "per" in a throughput, such as `images_per_second`.
const TIMES: &[&str] = &["s", "sec", "secs", "second", "seconds", "min", "minute", "h", "hour"];

/// Words that reverse a direction: a negative log likelihood is a loss, and `neg_log_loss` of
/// scikit-learn is a score.
const NEGATIVE: &[&str] = &["negative", "neg", "minus", "inverse", "inv"];

/// Words of statistics about a metric, such as `std_test_acc` and `acc_drop`. Their direction is
/// unknown.
#[rustfmt::skip]
const STATISTICS: &[&str] = &[
    "std", "stdev", "stddev", "sd", "stderr", "sem", "var", "variance", "ci", "lower", "upper", "delta", "diff", "difference",
    "change", "drop", "survival", "travelled", "traveled", "count", "num",
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
    Unspecified,
}

/// The duration of a run, which the store adds to the results of every run.
pub const SECONDS: &str = "seconds";

/// What a metric measures, as far as ranking and units depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A share of correct examples.
    Accuracy,
    /// A loss.
    Loss,
    /// A duration in seconds.
    Seconds,
    /// Any other metric.
    Other,
}

/// The quantity in a metric's name.
#[must_use]
pub fn quantity(name: &str) -> Quantity {
    let has = |wanted: &[&str]| words(name).any(|word| wanted.contains(&word.as_str()));
    let direction = direction(name);
    let is_minimized = direction == Some(Direction::Minimize);
    if direction == Some(Direction::Maximize) && has(&["accuracy", "acc"]) {
        Quantity::Accuracy
    } else if is_minimized && has(&["seconds", "secs", "sec"]) {
        Quantity::Seconds
    } else if is_minimized && has(&["loss"]) {
        Quantity::Loss
    } else {
        Quantity::Other
    }
}

/// Whether a metric is a loss. A loss that is not finite means that the training diverged.
#[must_use]
pub fn is_loss(name: &str) -> bool {
    quantity(name) == Quantity::Loss
}

/// The words of a name, in lower case.
fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Infers the direction from the words of a name; `None` if no word is known or words contradict
/// each other.
pub fn direction(name: &str) -> Option<Direction> {
    let words: Vec<String> = words(name).collect();
    let follows = |first, second| follows(&words, first, second);
    if follows("per", TIMES) && !is_any(&words, LOWER_IS_BETTER) {
        return Some(Direction::Maximize);
    }
    // "per" at the end is the phoneme error rate. The other metrics have names of two words.
    let is_error = words.last().is_some_and(|word| word == "per")
        || follows("cross", &["entropy"])
        || follows(
            "false",
            &["positive", "positives", "negative", "negatives", "alarm", "alarms", "discovery"],
        );
    if is_error {
        return Some(Direction::Minimize);
    }
    if follows("true", &["positive", "positives", "negative", "negatives"])
        || follows("explained", &["variance"])
    {
        return Some(Direction::Maximize);
    }
    if is_any(&words, STATISTICS) {
        return None;
    }
    let less = [LOWER_IS_BETTER, COSTS, DURATIONS].iter().any(|list| is_any(&words, list));
    let more = is_any(&words, HIGHER_IS_BETTER)
        || is_any(&words, SPEEDS)
        || (!less && is_any(&words, WEAKLY_HIGHER_IS_BETTER));
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
    let stem = |word: &str| {
        word.split(|c: char| c.is_ascii_digit()).next().map_or(String::new(), str::to_owned)
    };
    words.iter().any(|word| list.contains(&word.as_str()) || list.contains(&stem(word).as_str()))
}

/// Whether the word `first` comes directly before a word of `second`.
fn follows(words: &[String], first: &str, second: &[&str]) -> bool {
    words.windows(2).any(|pair| pair[0] == first && second.contains(&pair[1].as_str()))
}

/// Whether a metric measures cost or speed instead of quality.
pub fn is_cost(name: &str) -> bool {
    let words: Vec<String> = words(name).collect();
    !is_quality(&words) && (is_any(&words, COSTS) || is_time_or_speed(&words))
}

/// Whether a metric measures time or speed. Such a metric differs even between runs with equal
/// weights. A name of unknown direction, such as `survival_time`, does not count.
#[must_use]
pub fn is_time(name: &str) -> bool {
    let words: Vec<String> = words(name).collect();
    direction(name).is_some() && !is_quality(&words) && is_time_or_speed(&words)
}

fn is_quality(words: &[String]) -> bool {
    is_any(words, LOWER_IS_BETTER) || is_any(words, HIGHER_IS_BETTER)
}

fn is_time_or_speed(words: &[String]) -> bool {
    is_any(words, DURATIONS) || is_any(words, SPEEDS) || follows(words, "per", TIMES)
}

/// The split in a metric's name.
#[must_use]
pub fn split(name: &str) -> Split {
    words(name).find_map(|word| split_word(&word)).unwrap_or(Split::Unspecified)
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
#[must_use]
pub fn is_of_training(name: &str) -> bool {
    split(name) == Split::Train || matches!(name, "loss" | "accuracy" | "acc")
}

/// Whether a name is that of a learning rate.
#[must_use]
pub fn is_learning_rate(name: &str) -> bool {
    matches!(name, "learning_rate" | "lr")
}

/// Whether a name is bookkeeping of the training loop instead of a metric.
#[must_use]
pub fn is_bookkeeping(name: &str) -> bool {
    is_learning_rate(name) || matches!(name, "epoch" | "step" | "global_step" | SECONDS)
}

/// A name without a split at its beginning or end: `wer` for `val_wer`, `Loss` for `Loss/test`.
pub fn base(name: &str) -> &str {
    let is_split = |word: &str| split_word(&word.to_lowercase()).is_some();
    let is_separator = |c: char| !c.is_alphanumeric();
    match (name.split_once(is_separator), name.rsplit_once(is_separator)) {
        (Some((first, rest)), _) if !rest.is_empty() && is_split(first) => rest,
        (_, Some((rest, last))) if !rest.is_empty() && is_split(last) => rest,
        _ => name,
    }
}

/// Whether a declaration for `declared` covers the metric `name`: the name is the same, or is the
/// same without its split.
#[must_use]
pub fn is_covered(name: &str, declared: &str) -> bool {
    is_same(name, declared) || is_same(base(name), declared)
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
        for (name, direction) in directions(&[
            "foo",
            "babble",
            "entropy",
            "temperature",
            "accuracy_loss",
            "x",
            "",
            "lossless",
            "norm",
        ]) {
            assert_eq!(direction, None, "{name}");
        }
    }

    #[test]
    fn losses_are_known_by_name() {
        let is_loss = |names: &[&str]| names.iter().map(|name| is_loss(name)).collect::<Vec<_>>();
        assert_eq!(is_loss(&["loss", "val_loss", "Loss/test", "log_loss"]), [true; 4]);
        let others = ["wer", "accuracy", "accuracy_loss", "neg_log_loss", "seconds", "lossless"];
        assert_eq!(is_loss(&others), [false; 6]);
    }

    #[test]
    fn durations_and_speeds_are_times() {
        let is_time = |names: &[&str]| names.iter().map(|name| is_time(name)).collect::<Vec<_>>();
        let times = ["seconds", "train_time", "latency_ms", "images_per_second", "throughput"];
        assert_eq!(is_time(&times), [true; 5]);
        let others = ["loss", "learning_rate", "memory_mb", "survival_time", "errors_per_minute"];
        assert_eq!(is_time(&others), [false; 5]);
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
        assert_eq!(direction("explained_variance"), Some(Direction::Maximize));
    }
}
