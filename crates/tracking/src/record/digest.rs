//! What a record comes to in 32 bytes: equal exactly when every cell is.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::{Cell, Column, Table};

/// SHA-256 of a record. For every row, in the order of tables and rows, goes into it: the table's name, how many cells of the row are
/// not empty, and of each of these its column's name, a letter for its type (`i`, `r`, `t`, `b`) and the cell. Numbers are eight bytes,
/// the least significant first, reals as IEEE 754 has them; texts and bytes come after their length, which is such a number.
///
/// What is not there goes into it with nothing: a column or a table that a later schema adds does not change the digest of what was
/// recorded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// A digest on its way.
#[derive(Default)]
pub(crate) struct Digesting(Sha256);

impl Digesting {
    pub(crate) fn row(&mut self, table: &Table, cells: &[Cell<'_>]) {
        self.bytes(table.name.as_bytes());
        let there = || table.columns.iter().zip(cells).filter(|(_, cell)| **cell != Cell::Null);
        self.0.update((there().count() as u64).to_le_bytes());
        for (Column { name, .. }, cell) in there() {
            self.bytes(name.as_bytes());
            match cell {
                Cell::Null => {}
                Cell::Integer(number) => self.typed(b'i').0.update(number.to_le_bytes()),
                Cell::Real(number) => self.typed(b'r').0.update(number.to_bits().to_le_bytes()),
                Cell::Text(text) => self.typed(b't').bytes(text.as_bytes()),
                Cell::Blob(bytes) => self.typed(b'b').bytes(bytes),
            }
        }
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }

    fn typed(&mut self, letter: u8) -> &mut Self {
        self.0.update([letter]);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

/// How the text of a digest begins.
const PREFIX: &str = "sha256:";

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits =
            text.strip_prefix(PREFIX).filter(|digits| digits.len() == 64 && digits.is_ascii());
        let byte = |digits: &str, index: usize| {
            u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()
        };
        let mut bytes = [0; 32];
        for (index, place) in bytes.iter_mut().enumerate() {
            *place = digits.and_then(|digits| byte(digits, index)).ok_or_else(|| {
                format!(
                    "'{}' is no digest: expected sha256: and 64 digits of 0-9 a-f",
                    crate::printable(text)
                )
            })?;
        }
        Ok(Self(bytes))
    }
}
