use proptest::prelude::*;

use super::ticks::MAX_TICKS;
use super::*;

fn labels(scale: &Scale) -> Vec<&str> {
    scale.ticks.iter().map(|tick| tick.label.as_str()).collect()
}

fn linear(values: &[f64], format: NumberFormat) -> Scale {
    Scale::linear(values.iter().copied(), format, 0.0)
}

fn logarithmic(values: &[f64], format: NumberFormat) -> Scale {
    Scale::logarithmic(values.iter().copied(), format, 0.0)
}

fn of_values(numbers: &[f64]) -> Scale {
    let values: Vec<AxisValue> = numbers.iter().map(|number| AxisValue::Number(*number)).collect();
    Scale::of_values(values.iter(), NumberFormat::Number, 0.0)
}

#[test]
fn linear_ticks_are_round() {
    let fractions = linear(&[0.852, 0.921], NumberFormat::Percent);
    assert_eq!(labels(&fractions), ["86 %", "88 %", "90 %", "92 %"]);
    let unit_interval = linear(&[0.0, 0.3, 1.0], NumberFormat::Number);
    assert_eq!(labels(&unit_interval), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    let integers = linear(&[1.0, 2.0, 3.0], NumberFormat::Number);
    assert_eq!(labels(&integers), ["1", "2", "3"]);
    let times = linear(&[0.0, 5400.0], NumberFormat::Seconds);
    assert_eq!(labels(&times), ["0 min", "20 min", "40 min", "60 min", "80 min"]);
    let small = linear(&[-2e-7, 2e-7], NumberFormat::Number);
    assert_eq!(labels(&small), ["-2e-7", "-1e-7", "0", "1e-7", "2e-7"]);
}

#[test]
fn logarithmic_ticks_are_ones_twos_and_fives() {
    let one_decade = logarithmic(&[1.0, 40.0], NumberFormat::Number);
    assert_eq!(labels(&one_decade), ["1", "2", "5", "10", "20"]);
    let five_decades = logarithmic(&[1e-5, 1.0], NumberFormat::Number);
    assert_eq!(labels(&five_decades), ["1e-5", "1e-4", "1e-3", "0.01", "0.1", "1"]);
    let minutes = logarithmic(&[2.0, 240.0], NumberFormat::Seconds);
    assert_eq!(labels(&minutes), ["2 s", "5 s", "10 s", "20 s", "1 min", "2 min"]);
    let hours = logarithmic(&[1.0, 9000.0], NumberFormat::Seconds);
    assert_eq!(labels(&hours), ["1 s", "10 s", "1 min", "10 min", "1 h"]);
}

#[test]
fn few_values_have_one_tick_each() {
    let scale = of_values(&[16.0, 32.0, 64.0, 128.0, 256.0, 512.0]);
    assert_eq!(labels(&scale), ["16", "32", "64", "128", "256", "512"]);
    let geometric_mean = scale.position((16.0_f64 * 512.0).sqrt());
    assert!(
        geometric_mean.is_some_and(|position| (position - 0.5).abs() < 1e-9),
        "the scale is not logarithmic"
    );
    let levels = of_values(&[0.0, 1e-4, 1e-3, 0.01]);
    assert_eq!(labels(&levels), ["0", "1e-4", "1e-3", "0.01"]);
    assert_eq!(levels.position(1e-4), Some(0.375), "the levels are not evenly spaced");
    assert_eq!(levels.position(0.5), None);
}

#[test]
fn categories_are_evenly_spaced_after_numbers() {
    let values = [
        AxisValue::Category("adam".into()),
        AxisValue::Number(2.0),
        AxisValue::Category("sgd".into()),
        AxisValue::Number(1.0),
    ];
    let scale = Scale::of_values(values.iter(), NumberFormat::Number, 0.0);
    assert_eq!(labels(&scale), ["1", "2", "adam", "sgd"]);
    assert_eq!(scale.position_of(&values[0]), Some(0.625));
    assert_eq!(scale.position_of(&AxisValue::Category("none".into())), None);
}

#[test]
fn one_value_has_one_tick_and_none_has_none() {
    let tick = [Tick { position: 0.5, label: "3.5".to_owned() }];
    assert_eq!(linear(&[3.5, 3.5], NumberFormat::Number).ticks, tick);
    assert_eq!(logarithmic(&[3.5], NumberFormat::Number).ticks, tick);
    assert!(linear(&[f64::NAN, f64::INFINITY], NumberFormat::Number).ticks.is_empty());
    assert_eq!(linear(&[], NumberFormat::Number).position(1.0), None);
    assert_eq!(logarithmic(&[1.0, 100.0], NumberFormat::Number).position(-1.0), None);
}

#[test]
fn range_too_narrow_for_digits_has_ticks_at_its_ends() {
    let next = 1e16_f64.next_up();
    assert_eq!(linear(&[1e16, next], NumberFormat::Number).ticks.len(), 2);
    assert_eq!(linear(&[-f64::MAX, f64::MAX], NumberFormat::Number).position(0.0), Some(0.5));
}

proptest! {
    #[test]
    fn ticks_are_few_ordered_and_inside(
        any in proptest::collection::vec(proptest::num::f64::ANY, 0..20),
        moderate in proptest::collection::vec(-1e3..1e3_f64, 0..20),
        format in proptest::sample::select(
            vec![NumberFormat::Number, NumberFormat::Percent, NumberFormat::Seconds]
        ),
    ) {
        for numbers in [any, moderate] {
            let values: Vec<AxisValue> =
                numbers.iter().map(|number| AxisValue::Number(*number)).collect();
            let scales = [
                Scale::linear(numbers.iter().copied(), format, 0.05),
                Scale::logarithmic(numbers.iter().copied(), format, 0.05),
                Scale::of_values(values.iter(), format, 0.05),
            ];
            for scale in scales {
                prop_assert!(scale.ticks.len() <= MAX_TICKS);
                prop_assert!(
                    scale.ticks.windows(2).all(|pair| pair[0].position < pair[1].position)
                );
                prop_assert!(
                    scale.ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.position))
                );
                let positions: Vec<f64> =
                    numbers.iter().filter_map(|number| scale.position(*number)).collect();
                prop_assert!(positions.iter().all(|position| (0.0..=1.0).contains(position)));
                prop_assert!(scale.ticks.is_empty() == positions.is_empty());
            }
        }
    }
}
