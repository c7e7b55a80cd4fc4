//! Sentences about the method, the main effects and the front.

use analysis::effects::{Effect, Effects};

use super::phrases::{MAX_NAMED, averaged, listed, setting_name};
use super::race;
use crate::comparison::{Comparison, Promise, Setting};
use crate::number_format::{self, difference};
use crate::wording;

/// The basis of the answer, the main effects and the front.
pub fn background(comparison: &Comparison) -> Vec<String> {
    [basis(comparison), effects(comparison), front(comparison)].into_iter().flatten().collect()
}

/// The method of the comparison.
pub fn basis(comparison: &Comparison) -> Option<String> {
    comparison.promise?;
    if let Some(race) = &comparison.race {
        return (race.settings > 1).then(|| race::basis(comparison, race));
    }
    let metric = wording::metric(comparison.ranked_by.as_deref()?);
    let replicate = comparison.replicate.as_deref().map(wording::key)?;
    let pairing = if comparison.averaged.is_empty() {
        replicate
    } else {
        format!("{replicate}, over equal {}", averaged(comparison))
    };
    let is_tested = comparison
        .settings
        .iter()
        .any(|setting| setting.difference.is_some_and(|difference| difference.test.is_some()));
    Some(match comparison.promise? {
        Promise::BestIsInRace => return None,
        Promise::Against(_) if !is_tested => return None,
        Promise::BestIsAmong => {
            format!(
                "Comparison with the best of {metric}, paired by {pairing}; all limits hold together at 95 %."
            )
        }
        Promise::Against(_) => format!(
            "Paired t-tests of {metric} by {pairing}, Holm's correction for their number; intervals are of each difference alone."
        ),
    })
}

/// Main effects and their shares of the variance. None in a race: results decided which runs exist.
pub fn effects(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranking().filter(|_| !comparison.is_raced())?;
    let Effects { main, rest, balanced } = &comparison.effects;
    if main.len() + usize::from(rest.is_some()) < 2
        || main.iter().all(|effect| effect.share.is_none())
    {
        return None;
    }
    let part = |(index, effect): (usize, &Effect)| {
        let share = effect.share.map_or_else(String::new, |share| {
            let suffix = if index == 0 { " of the variance" } else { "" };
            format!(" ({}{suffix})", number_format::percent(share))
        });
        let range = effect.range.map_or_else(
            || "cannot be compared".to_owned(),
            |range| difference(metric.unit, range),
        );
        format!("{} {range}{share}", wording::key(&effect.name))
    };
    let mut parts: Vec<String> = main.iter().enumerate().take(MAX_NAMED).map(part).collect();
    if let Some(rest) = rest {
        let replicate = wording::replicate(comparison.replicate.as_deref());
        let noise = if rest.interaction.is_some() || main.len() < 2 {
            "noise"
        } else {
            "interaction and noise"
        };
        let shares = [
            ("interaction".to_owned(), rest.interaction),
            (replicate, rest.replicate),
            (noise.to_owned(), Some(rest.noise)),
        ];
        parts.extend(shares.into_iter().filter_map(|(name, share)| {
            Some(format!("{name} {}", number_format::percent(share?)))
        }));
    }
    let unbalanced = if *balanced {
        ""
    } else {
        " Not every combination has run: each effect compares runs that differ in nothing else."
    };
    let warning = interaction(&comparison.effects).map_or_else(String::new, |text| text + " ");
    Some(format!(
        "{warning}Means of {} differ by up to: {}.{unbalanced}",
        wording::metric(&metric.name),
        parts.join("; ")
    ))
}

/// Warns about main effects if the interaction is larger than each of them.
pub fn interaction(effects: &Effects) -> Option<String> {
    let (interaction, largest) = (effects.rest?.interaction?, effects.main.first()?.share?);
    let others = if effects.main.len() == 2 { "the other" } else { "the others" };
    (interaction > largest).then(|| {
        format!(
            "The best value of one hyperparameter can depend on {others}, and means over {others} are of \
             little use: the interaction is larger than each main effect."
        )
    })
}

/// The front: settings that no other setting beats in both the metric and time.
pub fn front(comparison: &Comparison) -> Option<String> {
    let front = comparison.front();
    // A front of one setting, or of all settings, says nothing.
    if front.len() < 2 || front.len() == comparison.settings.len() {
        return None;
    }
    let metric = comparison.ranked_by.as_deref()?;
    let name = |setting: &&Setting| {
        let seconds = setting
            .metric("seconds")
            .map_or_else(String::new, |time| format!(" ({})", tracking::seconds(time.mean)));
        setting_name(comparison, setting) + &seconds
    };
    let names: Vec<String> = front.iter().map(name).collect();
    Some(format!(
        "Best trade-offs of mean {} and mean time (for each, no setting is both better and faster): {}. \
         Times depend on the load of the machine.",
        wording::metric(metric),
        listed(&names)
    ))
}
