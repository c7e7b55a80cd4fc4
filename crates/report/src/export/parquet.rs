//! The record as a folder of Parquet files, one per table.
//!
//! The files have the columns of the CSV files, with types. The value of a hyperparameter can have
//! any type, so it is text as in CSV, and another column has its type. In the table `run_table`,
//! hyperparameters are typed columns.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use tracking::{Cell, Column, DIGEST_FILE, Digest, Kind, RecordError, Sink, Table};

use super::run_table::{RUN_TABLE, RunTable};

/// Largest number of rows in a row group.
const MAX_GROUP_ROWS: usize = 1 << 16;

/// Approximate size of the largest row group, in bytes.
const MAX_GROUP_BYTES: usize = 1 << 25;

/// Writes the record into a folder as Parquet files.
pub struct ParquetFolder {
    folder: PathBuf,
    file: Option<ParquetFile>,
    run_table: RunTable,
}

impl ParquetFolder {
    /// Writes into `folder`, which must exist.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None, run_table: RunTable::default() }
    }

    /// Writes the last files and the file with the digest.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(mut self, digest: Digest) -> std::result::Result<(), RecordError> {
        self.file.take().map_or(Ok(()), ParquetFile::finish).map_err(write_error)?;
        write_run_table(&self.folder, &self.run_table).map_err(write_error)?;
        Ok(std::fs::write(self.folder.join(DIGEST_FILE), format!("{digest}\n"))?)
    }
}

impl Sink for ParquetFolder {
    fn begin(&mut self, table: &'static Table) -> std::result::Result<(), RecordError> {
        self.file.take().map_or(Ok(()), ParquetFile::finish).map_err(write_error)?;
        let field = |column: &'static Column| Field {
            name: column.name,
            kind: column.kind,
            optional: column.optional,
        };
        let file = ParquetFile::create(&self.folder, table.name, table.columns.iter().map(field));
        self.file = Some(file.map_err(write_error)?);
        self.run_table.begin(table);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> std::result::Result<(), RecordError> {
        self.run_table.row(cells);
        self.file.as_mut().map_or(Ok(()), |file| file.row(cells)).map_err(write_error)
    }
}

fn write_run_table(folder: &Path, table: &RunTable) -> Result<()> {
    let columns = table.columns();
    let fields = columns.iter().map(|(name, kind)| Field { name, kind: *kind, optional: true });
    let mut file = ParquetFile::create(folder, RUN_TABLE, fields)?;
    table.rows().try_for_each(|row| file.row(&row))?;
    file.finish()
}

fn write_error(error: ParquetError) -> RecordError {
    RecordError::Write(io::Error::other(error))
}

/// The properties of a column in the schema of a file.
struct Field<'c> {
    name: &'c str,
    kind: Kind,
    optional: bool,
}

/// The file of a table, with a buffer for the next row group.
struct ParquetFile {
    writer: SerializedFileWriter<File>,
    columns: Vec<ColumnBuffer>,
    /// Number of rows in the buffer.
    rows: usize,
    /// Approximate size of the buffer.
    bytes: usize,
}

impl ParquetFile {
    fn create<'c>(
        folder: &Path,
        name: &str,
        columns: impl Iterator<Item = Field<'c>>,
    ) -> Result<Self> {
        let (mut fields, mut buffers) = (Vec::new(), Vec::new());
        for Field { name, kind, optional } in columns {
            let (physical, logical) = match kind {
                Kind::Invocation | Kind::Integer => (Physical::INT64, None),
                Kind::Real => (Physical::DOUBLE, None),
                Kind::Blob => (Physical::BYTE_ARRAY, None),
                Kind::Name | Kind::Id | Kind::Text | Kind::Type | Kind::Any => {
                    (Physical::BYTE_ARRAY, Some(LogicalType::String))
                }
            };
            let repetition = if optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
            let field = Type::primitive_type_builder(name, physical).with_repetition(repetition);
            fields.push(TypePtr::new(field.with_logical_type(logical).build()?));
            buffers.push(ColumnBuffer::new(kind));
        }
        let schema = Type::group_type_builder(name).with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("candle-sweep".to_owned());
        let file = File::create(folder.join(format!("{name}.parquet")))?;
        let writer =
            SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))?;
        Ok(Self { writer, columns: buffers, rows: 0, bytes: 0 })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += column.push(cell);
        }
        self.rows += 1;
        if self.rows == MAX_GROUP_ROWS || self.bytes >= MAX_GROUP_BYTES {
            self.write_group()
        } else {
            Ok(())
        }
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for buffer in &mut self.columns {
            let Some(mut column) = group.next_column()? else { break };
            let levels = Some(buffer.definition_levels.as_slice());
            match &mut buffer.values {
                ColumnValues::Integers(values) => {
                    column.typed::<Int64Type>().write_batch(values, levels, None)?;
                    values.clear();
                }
                ColumnValues::Reals(values) => {
                    column.typed::<DoubleType>().write_batch(values, levels, None)?;
                    values.clear();
                }
                ColumnValues::Bytes(values) => {
                    column.typed::<ByteArrayType>().write_batch(values, levels, None)?;
                    values.clear();
                }
            }
            buffer.definition_levels.clear();
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.close().map(|_| ())
    }
}

/// The cells of a column in the next row group.
struct ColumnBuffer {
    /// The values of the cells that are not empty.
    values: ColumnValues,
    /// For each cell, 1 if it has a value and 0 if it is empty.
    definition_levels: Vec<i16>,
    /// Whether the column holds blobs as bytes. Other columns hold them as the text of CSV.
    is_blob: bool,
}

enum ColumnValues {
    Integers(Vec<i64>),
    Reals(Vec<f64>),
    Bytes(Vec<ByteArray>),
}

impl ColumnBuffer {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Invocation | Kind::Integer => ColumnValues::Integers(Vec::new()),
            Kind::Real => ColumnValues::Reals(Vec::new()),
            _ => ColumnValues::Bytes(Vec::new()),
        };
        Self { values, definition_levels: Vec::new(), is_blob: kind == Kind::Blob }
    }

    /// Adds a cell and returns its approximate size in bytes.
    fn push(&mut self, cell: &Cell<'_>) -> usize {
        self.definition_levels.push(i16::from(*cell != Cell::Null));
        match (&mut self.values, cell) {
            (ColumnValues::Integers(values), Cell::Integer(number)) => values.push(*number),
            (ColumnValues::Reals(values), Cell::Real(number)) => values.push(*number),
            (ColumnValues::Bytes(values), Cell::Blob(bytes)) if self.is_blob => {
                values.push(bytes.to_vec().into());
            }
            (ColumnValues::Bytes(values), cell) => values
                .extend(cell.text().map(|text| ByteArray::from(text.into_owned().into_bytes()))),
            // Unreachable: the cells of a store have the type of their column.
            _ => {}
        }
        match cell {
            Cell::Text(text) => text.len(),
            Cell::Blob(bytes) => bytes.len(),
            _ => size_of::<i64>(),
        }
    }
}
