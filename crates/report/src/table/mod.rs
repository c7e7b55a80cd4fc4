//! Comparisons as tables: rows and columns, chosen once for all formats.

mod captions;
mod cells;
mod column;
mod columns;
mod comparison_table;
pub mod legend;
mod rendered;

pub use cells::{Cell, Left, Mark};
pub use column::{Column, Prominence, Role};
pub use columns::{ALL_COLUMNS, RACE_NAMES, RESERVED_NAMES, available_columns};
pub use comparison_table::{Row, Table, TableOptions, tables};
pub use rendered::RenderedColumn;
