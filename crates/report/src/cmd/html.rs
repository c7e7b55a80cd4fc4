//! `report html`: the comparison as one page to look at and to send.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tracking::Reader;

use super::compare::{Answer, ask};
use crate::cli::{HtmlArgs, QuestionArgs};
use crate::details::{Details, details};
use crate::page::{Page, page};
use crate::table::Table;
use crate::{format, whole};

/// Writes the page of every experiment asked for.
pub fn html(results: &Path, args: &HtmlArgs) -> Result<ExitCode> {
    let reader = super::open(results)?;
    let (page, answer) = look(&reader, results, &args.question)?;
    answer.say_why_empty();
    let text = format::html::html(&page).context("cannot make the page")?;
    let output = args.output.clone().unwrap_or_else(|| results.join("report.html"));
    if output.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
    } else {
        whole::file(&output, |out| Ok(out.write_all(text.as_bytes())?))?;
        anstream::eprintln!(
            "{}",
            tracking::printable(&format!("{} ({})", output.display(), size(text.len())))
        );
    }
    Ok(super::damage(&reader, results))
}

/// The page of what is asked, and what it rests on.
pub fn look(reader: &Reader, results: &Path, question: &QuestionArgs) -> Result<(Page, Answer)> {
    let mut answer = ask(reader, results, question)?;
    let mut tables: Vec<(Table, Details)> = Vec::new();
    for table in std::mem::take(&mut answer.tables) {
        let experiment = &table.comparison.experiment.name;
        let runs = answer
            .runs
            .iter()
            .find(|(it, _)| it.name == *experiment)
            .map_or(&[][..], |(_, runs)| runs);
        let details = details(reader, results, &table.comparison, runs)?;
        tables.push((table, details));
    }
    let damage = reader.damage();
    let warnings = damage.iter().map(ToString::to_string).chain(answer.why_empty.clone());
    Ok((
        page(&tables, warnings.map(|it: String| tracking::printable(&it).into_owned()).collect()),
        answer,
    ))
}

fn size(bytes: usize) -> String {
    if bytes < 1_000_000 {
        format!("{} kB", bytes.div_ceil(1000))
    } else {
        format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
    }
}
