//! The verbs and their options, taken from the command lines of `runner`, `report` and `data`.

use clap::builder::StyledStr;
use clap::{Args, Command, CommandFactory, Subcommand};

use crate::NAME;
use crate::documents::Document;

/// The verbs in the order of the help.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Run experiments", &["run", "plan", "status", "submit"]),
    ("Look at results", &["report", "list", "show", "diff", "html", "serve", "predict", "verify"]),
    ("Move results", &["export", "import", "merge", "digest"]),
    ("Delete results", &["delete", "restore", "gc"]),
    ("Other", &["data", "completions", "man", "help"]),
];

/// The command line of the program.
pub fn command() -> Command {
    let (runner, report) = (runner::Cli::command(), report::Cli::command());
    let run = runner::RunArgs::augment_args(Command::new("run"))
        .about("Run the missing trials of one or more experiments and record them");
    let plan = runner::RunArgs::augment_args(Command::new("plan"))
        .about("Print the trials of experiments, what is done, and the estimated time")
        .mut_arg("plan", |option| option.hide(true));
    let results = report.get_arguments().find(|option| option.get_id() == "results").cloned();
    let in_results = |verb: Command| match &results {
        Some(results) if !verb.get_arguments().any(|option| option.get_id() == "results") => {
            verb.arg(results.clone().global(false))
        }
        _ => verb,
    };
    let compare = report::CompareArgs::augment_args(Command::new("report"))
        .about("Compare the runs of each experiment in the results folder");
    let unchanged = |verb: &Command| with_help_of(verb, verb.clone());
    let verbs = [
        with_help_of(&runner, run),
        plan,
        with_help_of(&report, in_results(compare)),
        with_help_of(&data::Cli::command(), data::Cli::command()),
    ]
    .into_iter()
    .chain(runner.get_subcommands().map(unchanged))
    .chain(report.get_subcommands().map(unchanged).map(in_results));
    const ABOUT: &str = "Sweep hyperparameters, record every run, and learn which setting is best";
    let command = Command::new(NAME)
        .version(runner::VERSION)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(100)
        .subcommands(verbs);
    // The documentation of the enum would become the description of the program.
    let command = Document::augment_subcommands(command).about(ABOUT).long_about(ABOUT);
    let template = format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{}Options:\n{{options}}\n\n\
         '{NAME} help VERB' explains a verb.\n",
        groups(&command)
    );
    command.help_template(template)
}

/// The list of verbs, by group.
fn groups(command: &Command) -> String {
    let mut list = String::new();
    for (heading, verbs) in GROUPS {
        list += &format!("{heading}:\n");
        for name in verbs {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map_or_else(|| "Explain a verb".to_owned(), ToString::to_string);
            list += &format!("  {name:<12} {}\n", about.lines().next().unwrap_or_default());
        }
        list.push('\n');
    }
    list
}

/// Gives `verb` the long help of `source`, with the examples as commands of this program.
fn with_help_of(source: &Command, mut verb: Command) -> Command {
    if let Some(text) = source.get_long_about() {
        verb = verb.long_about(in_this_form(text));
    }
    if let Some(text) = source.get_after_help() {
        verb = verb.after_help(in_this_form(text));
    }
    if let Some(text) = source.get_after_long_help() {
        verb = verb.after_long_help(in_this_form(text));
    }
    verb.mut_args(|option| match option.get_long_help().map(in_this_form) {
        Some(text) => option.long_help(text),
        None => option,
    })
}

/// Replaces the beginning of each example.
fn in_this_form(text: &StyledStr) -> String {
    let mut text = text.to_string();
    for (form, verb) in
        [("report -", "report -"), ("report ", ""), ("runner ", "run "), ("data ", "data ")]
    {
        for before in ["\n  ", "Example: "] {
            let example = format!("{before}{form}");
            text = text.replace(&example, &format!("{before}{NAME} {verb}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_lists_every_verb_once() {
        let mut command = command();
        command.build();
        let verbs: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| *verbs).copied().collect();
        assert_eq!(listed.len(), verbs.len());
        assert_eq!(BTreeSet::from_iter(listed), verbs);
    }
}
