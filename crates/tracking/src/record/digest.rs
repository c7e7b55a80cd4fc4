//! The digest of a record: 32 bytes that are equal if and only if all cells are equal.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::cell::Cell;
use super::tables::{Column, Table};

/// SHA-256 of a record.
///
/// The hash covers every row, in the order of tables and rows. A row contributes the name of its
/// table, the number of its cells that are not empty, and these cells. A cell contributes the name
/// of its column, a letter for its type (`i`, `r`, `t`, `b`) and its value. A number is eight
/// bytes, little-endian; a real is IEEE 754 binary64. Text and bytes are preceded by their length,
/// also eight bytes.
///
/// Empty cells and empty tables contribute nothing. A column or table that a later schema adds
/// therefore does not change the digest of older records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// Computes a [`Digest`] row by row.
#[derive(Default)]
pub(crate) struct DigestBuilder(Sha256);

impl DigestBuilder {
    pub(crate) fn row(&mut self, table: &Table, cells: &[Cell<'_>]) {
        self.bytes(table.name.as_bytes());
        let filled = || table.columns.iter().zip(cells).filter(|(_, cell)| **cell != Cell::Null);
        self.0.update((filled().count() as u64).to_le_bytes());
        for (Column { name, .. }, cell) in filled() {
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

/// Prefix of the text form of a digest.
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
        for (index, target) in bytes.iter_mut().enumerate() {
            *target = digits.and_then(|digits| byte(digits, index)).ok_or_else(|| {
                format!(
                    "'{}' is not a digest: expected sha256: and 64 digits of 0-9 a-f",
                    crate::printable(text)
                )
            })?;
        }
        Ok(Self(bytes))
    }
}
