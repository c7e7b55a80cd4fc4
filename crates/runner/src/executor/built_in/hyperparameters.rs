//! The hyperparameters of the built-in model: one table maps their names to typed values.

use model::{
    BatchSize, Decay, Epochs, Hyperparameters, Init, LastBatch, LearningRate, OutOfRange, Seed,
};
use tracking::Value;

use super::metrics::RESULTS;
use crate::experiment::learner::{Hyperparameter, Kind, Learner, Params};

/// How to get and set a typed hyperparameter by name.
struct Row {
    name: &'static str,
    access: Access,
}

type Get<T> = fn(&Hyperparameters) -> T;
type Set<T> = fn(&mut Hyperparameters, T) -> Result<(), OutOfRange>;

enum Access {
    Number(Get<f64>, Set<f64>),
    Integer(Get<i64>, Set<i64>),
    /// The words, and the index of one of them.
    Choice(&'static [&'static str], Get<usize>, Set<usize>),
}

/// Every hyperparameter, in the order of trial ids, tables and files.
const TABLE: [Row; 7] = [
    Row {
        name: "learning_rate",
        access: Access::Number(
            |typed| typed.learning_rate.get(),
            |typed, value| LearningRate::new(value).map(|rate| typed.learning_rate = rate),
        ),
    },
    Row {
        name: "decay",
        access: Access::Number(
            |typed| typed.decay.get(),
            |typed, value| Decay::new(value).map(|decay| typed.decay = decay),
        ),
    },
    Row {
        name: "batch_size",
        access: Access::Integer(
            |typed| typed.batch_size.get().into(),
            |typed, value| BatchSize::new(value).map(|size| typed.batch_size = size),
        ),
    },
    Row {
        name: EPOCHS,
        access: Access::Integer(
            |typed| typed.epochs.get().into(),
            |typed, value| Epochs::new(value).map(|epochs| typed.epochs = epochs),
        ),
    },
    Row {
        name: "seed",
        access: Access::Integer(
            |typed| typed.seed.get().cast_signed(),
            |typed, value| Seed::new(value).map(|seed| typed.seed = seed),
        ),
    },
    Row {
        name: "init",
        access: Access::Choice(
            &[Init::ALL[0].name(), Init::ALL[1].name()],
            |typed| typed.init as usize,
            |typed, index| {
                typed.init = Init::ALL[index];
                Ok(())
            },
        ),
    },
    Row {
        name: "last_batch",
        access: Access::Choice(
            &[LastBatch::ALL[0].name(), LastBatch::ALL[1].name()],
            |typed| typed.last_batch as usize,
            |typed, index| {
                typed.last_batch = LastBatch::ALL[index];
                Ok(())
            },
        ),
    },
];

/// The only hyperparameter that does not change a training, but only its length.
pub const EPOCHS: &str = "epochs";

impl Access {
    fn kind(&self) -> Kind {
        match self {
            Self::Number(..) => Kind::Number,
            Self::Integer(..) => Kind::Integer,
            Self::Choice(words, ..) => Kind::Choice(words),
        }
    }

    fn get(&self, typed: &Hyperparameters) -> Value {
        match self {
            Self::Number(get, _) => Value::Real(get(typed)),
            Self::Integer(get, _) => Value::Integer(get(typed)),
            Self::Choice(words, get, _) => Value::Text(words[get(typed)].to_owned()),
        }
    }

    fn set(&self, typed: &mut Hyperparameters, value: &Value) -> Result<(), String> {
        let set = match (self, value) {
            (Self::Number(_, set), Value::Real(number)) => set(typed, *number),
            (Self::Integer(_, set), Value::Integer(integer)) => set(typed, *integer),
            (Self::Choice(words, _, set), Value::Text(word)) => {
                match words.iter().position(|known| known == word) {
                    Some(index) => set(typed, index),
                    None => return Err(not_a_value(value)),
                }
            }
            _ => return Err(not_a_value(value)),
        };
        set.map_err(|error| error.to_string())
    }
}

fn not_a_value(value: &Value) -> String {
    format!("it cannot be '{}'", tracking::printable(&value.to_string()))
}

/// The typed values of `params`.
///
/// # Errors
/// If a value is invalid or a name is unknown.
pub fn typed(params: &Params) -> Result<Hyperparameters, String> {
    let mut typed = Hyperparameters::default();
    for (name, value) in params {
        set(&mut typed, name, value)?;
    }
    Ok(typed)
}

fn set(typed: &mut Hyperparameters, name: &str, value: &Value) -> Result<Value, String> {
    let row = TABLE.iter().find(|row| row.name == name);
    let row = row.ok_or_else(|| format!("'{name}' is not a hyperparameter"))?;
    row.access.set(typed, value)?;
    Ok(row.access.get(typed))
}

/// The built-in model, as the plan sees it.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn;

impl Learner for BuiltIn {
    fn hyperparameters(&self) -> Vec<Hyperparameter> {
        let defaults = Hyperparameters::default();
        let public = |Row { name, access }: &Row| Hyperparameter {
            name: (*name).to_owned(),
            kind: access.kind(),
            default: Some(access.get(&defaults)),
        };
        TABLE.iter().map(public).collect()
    }

    fn metrics(&self) -> Option<&'static [&'static str]> {
        Some(&RESULTS)
    }

    fn check(&self, name: &str, value: &Value) -> Result<Value, String> {
        set(&mut Hyperparameters::default(), name, value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn choices_have_the_names_of_their_types() {
        for init in Init::ALL {
            let mut typed = Hyperparameters::default();
            set(&mut typed, "init", &Value::Text(init.name().to_owned())).unwrap();
            assert_eq!(typed.init, init);
        }
        for last_batch in LastBatch::ALL {
            let mut typed = Hyperparameters::default();
            set(&mut typed, "last_batch", &Value::Text(last_batch.name().to_owned())).unwrap();
            assert_eq!(typed.last_batch, last_batch);
        }
    }

    #[test]
    fn equal_values_have_one_form() {
        assert_eq!(BuiltIn.check("decay", &Value::Real(-0.0)), Ok(Value::Real(0.0)));
    }

    #[test]
    fn invalid_values_are_rejected() {
        let reason = BuiltIn.check("batch_size", &Value::Integer(0)).unwrap_err();
        assert_eq!(reason, "expected a whole number from 1 to 4294967295, found 0");
        let reason = BuiltIn.check("init", &Value::Text("ones".to_owned())).unwrap_err();
        assert_eq!(reason, "it cannot be 'ones'");
        assert!(BuiltIn.check("seed", &Value::Real(1.0)).is_err());
        assert!(BuiltIn.check("no_such_name", &Value::Real(0.9)).is_err());
    }
}
