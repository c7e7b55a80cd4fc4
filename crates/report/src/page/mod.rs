//! The page as data: everything that its template prints, in words and formatted numbers.

mod answer;
pub mod details;
mod effects;
mod figures;
mod page_table;
mod picture;
pub mod progress;
pub mod provenance;
pub mod read;
pub mod section;
mod text;
mod trial;
mod weights;

pub use section::Page;
