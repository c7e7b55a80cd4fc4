//! `report diff EXPERIMENT EXPERIMENT`: how far two sets of runs are apart, trial by trial.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anstyle::Style;
use anyhow::{Result, bail};
use serde_json::{Map, Value as Json, json};
use tracking::{Declarations, Direction, Invocation, Reader, Status, printable, printable_json};

use super::side::{Side, short};
use crate::analysis::samples::by_value;
use crate::analysis::statistics::{CONFIDENCE, Interval};
use crate::cli::{DiffArgs, DiffFormat};
use crate::cmd::diff::{self, Difference, differing, origins};
use crate::diff::matched::{Better, Matched, Measured, Pair, Verdict, matched};
use crate::metric::{self, Rules, Unit};
use crate::number_format;
use crate::render::layout::{
    DEFAULT_WIDTH, align_columns, fit_columns, left_out_note, styled, terminal_width, wrap,
};
use crate::runs::{MeasuredRun, measured_at_end};
use crate::suggestion::unknown;
use crate::table::{Prominence, RenderedColumn};
use crate::wording::{self, count, title, truncated};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// How many pairs are shown one by one.
const FARTHEST: usize = 10;

/// Digits of an id: enough to ask for it again.
const DIGITS: usize = 10;

/// The runs of one side, and what made them.
struct Set {
    name: String,
    runs: Vec<MeasuredRun>,
    invocations: Vec<Invocation>,
    declarations: Declarations,
}

impl Set {
    fn read(reader: &Reader, side: Side) -> Result<Self> {
        let (name, experiment, runs) = match side {
            Side::Run(run) => (format!("run {}", run.id), run.experiment.clone(), vec![*run]),
            Side::Experiment(name) => {
                let runs = reader.runs(&name)?;
                (name.clone(), name, runs)
            }
            Side::Commit(name, commit) => {
                let runs = reader.runs_at(&name, &commit)?;
                (format!("{name}@{}", short(&commit)), name, runs)
            }
        };
        let runs = measured_at_end(reader, runs)?;
        let invocations = reader.invocations(runs.iter().map(|it| &it.run))?;
        Ok(Self { name, runs, invocations, declarations: reader.declarations(&experiment)? })
    }

    fn finished(&self) -> usize {
        self.runs.iter().filter(|it| it.run.status == Status::Finished).count()
    }

    fn heading(&self) -> String {
        let name = truncated(&self.name, DEFAULT_WIDTH / 2);
        let trials = count(self.runs.len(), "trial");
        format!("{} · {trials}, {} finished", styled(BOLD, &printable(&name)), self.finished())
    }

    /// What its runs have of a fact, each once.
    fn all(&self, fact: fn(&MeasuredRun) -> &str) -> String {
        diff::each_once(self.runs.iter().map(fact)).join(", ")
    }

    fn json(&self) -> Json {
        json!({ "name": self.name, "trials": self.runs.len(), "finished": self.finished() })
    }
}

/// Prints how far the runs of two sides are apart; a single run is a set of one.
pub fn diff_sets(
    reader: &Reader,
    results: &Path,
    left: Side,
    right: Side,
    args: &DiffArgs,
) -> Result<ExitCode> {
    let (left, right) = (Set::read(reader, left)?, Set::read(reader, right)?);
    let directions = args.directions.directions()?;
    let declared = merged(&left.declarations, &right.declarations);
    let rules = Rules::new(&directions, &declared);
    let replicate = args.replicate.as_deref().or(declared.replicate.as_deref());
    let rank = directions.first().map(|(name, _)| name.as_str());
    let matched = matched(&left.runs, &right.runs, &rules, replicate, rank);
    check(&matched, args)?;
    let mut out = anstream::stdout().lock();
    match args.format {
        DiffFormat::Table => {
            for line in lines(&left, &right, &matched) {
                writeln!(out, "{line}")?;
            }
        }
        DiffFormat::Json => {
            let json = format!("{:#}\n", json(&left, &right, &matched));
            out.write_all(printable_json(&json).as_bytes())?;
        }
    }
    out.flush()?;
    Ok(crate::cmd::report_damage(reader, results))
}

/// Merges the declarations of both sides; those of the left side take precedence.
fn merged(left: &Declarations, right: &Declarations) -> Declarations {
    Declarations {
        rank: left.rank.clone().or_else(|| right.rank.clone()),
        report: left.report.clone().or_else(|| right.report.clone()),
        replicate: left.replicate.clone().or_else(|| right.replicate.clone()),
        directions: [left.directions.clone(), right.directions.clone()].concat(),
    }
}

/// Rejects names that neither side has.
fn check(matched: &Matched, args: &DiffArgs) -> Result<()> {
    let own = matched.own_metrics.iter().flatten().copied();
    let metrics: Vec<&str> =
        matched.metrics.iter().map(|it| it.metric.name.as_str()).chain(own).collect();
    let known = |name: &str| metrics.iter().any(|metric| metric::is_covered(metric, name));
    if let Some(stranger) =
        args.directions.minimize.iter().chain(&args.directions.maximize).find(|name| !known(name))
    {
        bail!("{}", unknown("metric", stranger, &metrics));
    }
    let is_param = |name: &&String| matched.params.contains(&name.as_str());
    match args.replicate.as_ref().filter(|name| !is_param(name)) {
        Some(stranger) => bail!("{}", unknown("hyperparameter", stranger, &matched.params)),
        None => Ok(()),
    }
}

/// For the terminal.
fn lines(left: &Set, right: &Set, matched: &Matched) -> Vec<String> {
    let width = terminal_width().min(DEFAULT_WIDTH);
    let mut lines =
        vec![format!("left   {}", left.heading()), format!("right  {}", right.heading())];
    let differences = made(left, right);
    if !differences.is_empty() {
        lines.push(String::new());
        lines.extend(table(diff::columns(&differences, ["left", "right"]), width));
    }
    lines.push(String::new());
    for fact in found(matched) {
        lines.extend(wrap(fact.split(' '), " ", width));
    }
    if !matched.metrics.is_empty() {
        lines.push(String::new());
        lines.extend(table(metrics(matched), width));
        let one = wording::replicate(matched.replicate.as_deref());
        let note = format!(
            "difference: right less left, mean over each {one}; of accuracies in points; p of the paired t-test by {one}, each \
             metric tested alone"
        );
        let wrapped = wrap(note.split(' '), " ", width.saturating_sub(2));
        lines.extend(wrapped.iter().map(|line| styled(DIM, &format!("  {line}"))));
    }
    lines.push(String::new());
    lines.extend(
        wrap(verdict(matched).split(' '), " ", width).iter().map(|line| styled(BOLD, line)),
    );
    lines.extend(farthest(matched, width));
    lines
}

/// For a program.
fn json(left: &Set, right: &Set, matched: &Matched) -> Json {
    let metric = |it: &Measured| {
        let fields = json!({
            "direction": it.metric.direction.map(Direction::as_str),
            "left": it.left,
            "right": it.right,
            "difference": it.difference.mean,
            "interval": it.difference.interval().map(|it| [it.low, it.high]),
            "p": it.difference.p(),
            "pairs": it.pairs,
            "seeds": it.difference.n,
            "same_bits": it.same,
            "verdict": match it.better() {
                Better::Left => "left",
                Better::Right => "right",
                Better::Undecided => "undecided",
            },
        });
        (it.metric.name.clone(), fields)
    };
    json!({
        "left": left.json(),
        "right": right.json(),
        "matched": matched.pairs.len() + matched.unfinished,
        "unfinished": matched.unfinished,
        "only_left": matched.alone[0],
        "only_right": matched.alone[1],
        "ambiguous": matched.unclear,
        "same": matched.same,
        "replicate": matched.replicate,
        "ranked_by": matched.ranked_by,
        "confidence": CONFIDENCE,
        "metrics": matched.metrics.iter().map(metric).collect::<Map<String, Json>>(),
        "conclusion": verdict(matched),
    })
}

/// What differs in how the runs were made.
fn made(left: &Set, right: &Set) -> Vec<Difference> {
    let fact = |what: &str, fact: fn(&MeasuredRun) -> &str| {
        differing(what, &left.all(fact), &right.all(fact))
    };
    let facts = [
        fact("dataset", |it| &it.run.dataset),
        fact("dataset sha256", |it| &it.run.dataset_sha256),
        fact("validation", |it| &it.run.validation),
        fact("engine", |it| &it.run.engine),
        fact("device", |it| &it.run.device),
    ];
    facts.into_iter().flatten().chain(origins(&left.invocations, &right.invocations)).collect()
}

/// What matches and what does not, in sentences.
fn found(matched: &Matched) -> Vec<String> {
    let pairs = matched.pairs.len() + matched.unfinished;
    let mut facts = vec![format!(
        "{} · {} only left, {} only right",
        if pairs == 1 { "1 trial matches".to_owned() } else { format!("{pairs} trials match") },
        matched.alone[0],
        matched.alone[1]
    )];
    if pairs == 0 && !matched.apart.is_empty() {
        let names: Vec<String> = matched.apart.iter().map(|name| title(name)).collect();
        facts.push(format!("the sides share no value of: {}", names.join(", ")));
    }
    if matched.unfinished > 0 {
        facts.push(format!(
            "{} did not finish on both sides: left out",
            count(matched.unfinished, "pair")
        ));
    }
    let [left, right] = matched.unclear;
    if left + right > 0 {
        facts.push(format!(
            "{left} left and {right} right could be matched in several ways: left out"
        ));
    }
    let own = |what: &str, names: &[Vec<&str>; 2], then: &str| {
        let of = |(names, side): (&Vec<&str>, &str)| {
            let titles: Vec<String> = names.iter().map(|name| title(name)).collect();
            (!names.is_empty()).then(|| {
                format!("{what} that only the {side} side has{then}: {}", titles.join(", "))
            })
        };
        names.iter().zip(["left", "right"]).filter_map(of).collect::<Vec<_>>()
    };
    facts.extend(own("hyperparameters", &matched.own_params, ", ignored for the match"));
    facts.extend(own("metrics", &matched.own_metrics, ""));
    facts
}

/// `columns` as far as they fit, the head dimmed.
fn table(columns: Vec<RenderedColumn>, width: usize) -> Vec<String> {
    let (columns, left_out) = fit_columns(columns, width);
    let mut lines = align_columns(&columns);
    if let Some(head) = lines.first_mut() {
        *head = styled(DIM, head);
    }
    lines.extend(left_out_note(&left_out, width));
    lines
}

fn column<T>(
    title: &str,
    prominence: Prominence,
    rows: &[T],
    cell: impl Fn(&T) -> String,
) -> RenderedColumn {
    let cells = rows.iter().map(cell).collect();
    RenderedColumn { title: title.to_owned(), prominence, numeric: !title.is_empty(), cells }
}

fn metrics(matched: &Matched) -> Vec<RenderedColumn> {
    let metrics = &matched.metrics;
    let interval = |it: &Measured| {
        let digits = Digits::of(it);
        let between =
            |it: Interval| format!("[{}, {}]", digits.signed(it.low), digits.signed(it.high));
        it.difference.interval().map_or_else(|| "—".to_owned(), between)
    };
    let replicates = wording::repeated(matched.replicate.as_deref());
    vec![
        column("", Prominence::Needed, metrics, |it| title(&it.metric.name)),
        column("pairs", Prominence::Optional(0), metrics, |it| it.pairs.to_string()),
        column(&replicates, Prominence::Optional(3), metrics, |it| it.difference.n.to_string()),
        column("left", Prominence::Optional(2), metrics, |it| Digits::of(it).plain(it.left)),
        column("right", Prominence::Optional(2), metrics, |it| Digits::of(it).plain(it.right)),
        column("difference", Prominence::Needed, metrics, |it| {
            Digits::of(it).signed(it.difference.mean)
        }),
        column("95 % interval", Prominence::Needed, metrics, interval),
        column("p", Prominence::Needed, metrics, |it| {
            it.difference.p().map_or_else(|| "—".to_owned(), chance)
        }),
        column("same bits", Prominence::Optional(1), metrics, |it| it.same.to_string()),
    ]
}

/// How numbers of a metric are written: so that what is uncertain of their difference still has two digits.
#[derive(Clone, Copy)]
struct Digits {
    unit: Unit,
    decimals: usize,
    /// Differences too small for decimals.
    tiny: bool,
}

impl Digits {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn of(it: &Measured) -> Self {
        let unit = it.metric.unit;
        let base = if unit.is_points() { 2.0 } else { 3.0 };
        let reach =
            it.difference.interval().map_or(0.0, |interval| (interval.high - interval.low) / 2.0);
        let size = unit.scale() * if reach > 0.0 { reach } else { it.difference.mean.abs() };
        let wanted = if size > 0.0 { 1.0 - size.log10().floor() } else { base };
        Self { unit, decimals: wanted.clamp(base, base + 2.0) as usize, tiny: wanted > base + 3.0 }
    }

    fn plain(self, value: f64) -> String {
        match self.unit {
            Unit::Fraction | Unit::Percent => {
                number_format::decimal(self.unit.scale() * value, self.decimals) + " %"
            }
            Unit::Seconds => tracking::seconds(value),
            Unit::Number => number_format::decimal(value, self.decimals),
        }
    }

    fn size(self, value: f64) -> String {
        let value = self.unit.scale() * value.abs();
        match value {
            0.0 => "0".to_owned(),
            _ if self.tiny => format!("{value:.1e}"),
            _ => number_format::decimal(value, self.decimals),
        }
    }

    fn signed(self, value: f64) -> String {
        let sign = if value < 0.0 { "-" } else { "+" };
        let size = self.size(value);
        if size == "0" { size } else { format!("{sign}{size}") }
    }
}

fn chance(p: f64) -> String {
    match p {
        ..0.001 => "<0.001".to_owned(),
        ..0.1 => format!("{p:.3}"),
        _ => format!("{p:.2}"),
    }
}

/// What it comes to, in a sentence.
fn verdict(matched: &Matched) -> String {
    let pairs = match matched.pairs.len() {
        1 => "the only pair is".to_owned(),
        n => format!("all {n} pairs are"),
    };
    match matched.verdict() {
        Verdict::Nothing => match matched.metrics.iter().find(|it| it.metric.direction.is_none()) {
            Some(it) => {
                let name = printable(&it.metric.name);
                format!("direction of `{name}` unknown: use --minimize {name} or --maximize {name}")
            }
            None if !matched.metrics.is_empty() => {
                "all common metrics are training metrics, which do not rank: use --minimize NAME or --maximize NAME"
                    .to_owned()
            }
            None => "no trial finished on both sides with a metric in common: nothing can be said".to_owned(),
        },
        Verdict::Same => format!("{pairs} the same, bit for bit"),
        Verdict::SameMetric(of) => {
            format!(
                "{pairs} the same in {}, bit for bit, but {} in all that was measured",
                title(&of.metric.name),
                same(matched)
            )
        }
        Verdict::Untested(of) => {
            let metric = title(&of.metric.name);
            match (&matched.replicate, of.difference.n) {
                (None, _) => format!(
                    "nothing is tested in {metric}: no hyperparameter repeats a setting; give several seeds, or name what repeats it \
                     with --replicate"
                ),
                (Some(one), 1) => format!("nothing is tested in {metric}: the pairs have one {} in common", title(one)),
                (Some(one), _) => {
                    format!(
                        "nothing is tested in {metric}: the sides differ by the same on every {}, which may be rounding",
                        title(one)
                    )
                }
            }
        }
        Verdict::Chance(of) => {
            format!(
                "no difference shown in {} (p {})",
                title(&of.metric.name),
                of.difference.p().map_or_else(String::new, chance)
            )
        }
        Verdict::Unclear(of) | Verdict::Better(of) => difference(of),
    }
}

/// Which side is better, by how much.
fn difference(of: &Measured) -> String {
    let digits = Digits::of(of);
    let unit = match of.metric.unit {
        Unit::Fraction | Unit::Percent => " points of",
        Unit::Seconds => " s of",
        Unit::Number => " of",
    };
    let who = match of.better() {
        Better::Left => "left is better by",
        Better::Right => "right is better by",
        Better::Undecided => "the sides differ by",
    };
    let interval = of.difference.interval().map_or_else(String::new, |it| {
        let (low, high) = (it.low.abs(), it.high.abs());
        format!(" [{}, {}]", digits.size(low.min(high)), digits.size(low.max(high)))
    });
    format!(
        "{who} {}{unit} {}{interval} (p {})",
        digits.size(of.difference.mean),
        title(&of.metric.name),
        of.difference.p().map_or_else(String::new, chance)
    )
}

fn same(matched: &Matched) -> String {
    if matched.same == 0 { "none".to_owned() } else { format!("only {}", matched.same) }
}

/// The pairs that differ most, with what tells them apart from each other.
fn farthest(matched: &Matched, width: usize) -> Vec<String> {
    let (all, Some(measured)) = (matched.farthest(), matched.ranking()) else { return Vec::new() };
    let (metric, digits) = (measured.metric.name.as_str(), Digits::of(measured));
    let shown = &all[..all.len().min(FARTHEST)];
    if shown.is_empty() {
        return Vec::new();
    }
    let id = |it: &MeasuredRun| it.run.id.as_str().chars().take(DIGITS).collect::<String>();
    let mut columns = vec![
        column("left run", Prominence::Needed, shown, |(pair, _)| id(pair.left)),
        column("right run", Prominence::Needed, shown, |(pair, _)| id(pair.right)),
    ];
    for name in matched.params.iter().filter(|name| varies(&matched.pairs, name)) {
        let value = |(pair, _): &(Pair, f64)| {
            pair.left.run.param(name).map_or_else(String::new, wording::value)
        };
        columns.push(column(&title(name), Prominence::Optional(1), shown, value));
    }
    let value = |of: fn((f64, f64)) -> f64| {
        move |(pair, _): &(Pair, f64)| {
            pair.metric(metric).map_or_else(String::new, |it| digits.plain(of(it)))
        }
    };
    columns.push(column("left", Prominence::Needed, shown, value(|it| it.0)));
    columns.push(column("right", Prominence::Needed, shown, value(|it| it.1)));
    columns.push(column("difference", Prominence::Needed, shown, |(_, by)| digits.signed(*by)));

    let heading = format!(
        "farthest apart in {}, {} of {} that differ",
        title(metric),
        shown.len(),
        all.len()
    );
    let mut lines = vec![String::new(), styled(BOLD, &truncated(&heading, width))];
    lines.extend(table(columns, width));
    lines
}

fn varies(pairs: &[Pair], name: &str) -> bool {
    let first = pairs.first().and_then(|pair| pair.left.run.param(name));
    pairs.iter().any(|pair| by_value(pair.left.run.param(name), first).is_ne())
}
