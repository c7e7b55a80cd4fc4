//! The record as a folder of Parquet files, one a table: columns as in CSV, but typed. A value of a hyperparameter, which may be of any
//! type, is the text that CSV has, beside its type. `run_table` has them as columns.

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

/// Rows that are written together at most.
const GROUP_ROWS: usize = 1 << 16;

/// Bytes of texts and pictures that are written together, about.
const GROUP_BYTES: usize = 1 << 25;

/// Writes a record to the Parquet files of a folder.
pub struct ParquetFolder {
    folder: PathBuf,
    file: Option<ParquetFile>,
    run_table: RunTable,
}

impl ParquetFolder {
    /// Into a folder that is there.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None, run_table: RunTable::default() }
    }

    /// Ends it, with the digest beside it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self, digest: Digest) -> std::result::Result<(), RecordError> {
        self.file.take().map_or(Ok(()), ParquetFile::end).map_err(refused)?;
        write_run_table(&self.folder, &self.run_table).map_err(refused)?;
        Ok(std::fs::write(self.folder.join(DIGEST_FILE), format!("{digest}\n"))?)
    }
}

impl Sink for ParquetFolder {
    fn begin(&mut self, table: &'static Table) -> std::result::Result<(), RecordError> {
        self.file.take().map_or(Ok(()), ParquetFile::end).map_err(refused)?;
        let field = |column: &'static Column| Field {
            name: column.name,
            kind: column.kind,
            optional: column.optional,
        };
        let file = ParquetFile::begin(&self.folder, table.name, table.columns.iter().map(field));
        self.file = Some(file.map_err(refused)?);
        self.run_table.begin(table);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> std::result::Result<(), RecordError> {
        self.run_table.row(cells);
        self.file.as_mut().map_or(Ok(()), |file| file.row(cells)).map_err(refused)
    }
}

fn write_run_table(folder: &Path, table: &RunTable) -> Result<()> {
    let columns = table.columns();
    let fields = columns.iter().map(|(name, kind)| Field { name, kind: *kind, optional: true });
    let mut file = ParquetFile::begin(folder, RUN_TABLE, fields)?;
    table.rows().try_for_each(|row| file.row(&row))?;
    file.end()
}

fn refused(error: ParquetError) -> RecordError {
    RecordError::Write(io::Error::other(error))
}

/// A column of a file.
struct Field<'c> {
    name: &'c str,
    kind: Kind,
    optional: bool,
}

/// One table, and the rows that are not written yet.
struct ParquetFile {
    writer: SerializedFileWriter<File>,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

impl ParquetFile {
    fn begin<'c>(
        folder: &Path,
        name: &str,
        columns: impl Iterator<Item = Field<'c>>,
    ) -> Result<Self> {
        let (mut fields, mut values) = (Vec::new(), Vec::new());
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
            values.push(Values::of(kind));
        }
        let schema = Type::group_type_builder(name).with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("candle-sweep".to_owned());
        let file = File::create(folder.join(format!("{name}.parquet")))?;
        let writer =
            SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))?;
        Ok(Self { writer, columns: values, rows: 0, bytes: 0 })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        for (values, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += values.push(cell);
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.write_group()
        } else {
            Ok(())
        }
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for values in &mut self.columns {
            let Some(mut column) = group.next_column()? else { break };
            let there = Some(values.there.as_slice());
            match &mut values.of {
                Of::Integers(of) => {
                    column.typed::<Int64Type>().write_batch(of, there, None).map(|_| of.clear())?
                }
                Of::Reals(of) => {
                    column.typed::<DoubleType>().write_batch(of, there, None).map(|_| of.clear())?
                }
                Of::Bytes(of) => column
                    .typed::<ByteArrayType>()
                    .write_batch(of, there, None)
                    .map(|_| of.clear())?,
            }
            values.there.clear();
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.close().map(|_| ())
    }
}

/// The cells of a column.
struct Values {
    of: Of,
    /// Bytes among texts are as text has them.
    raw: bool,
    /// 1 where there is one, 0 where a cell is empty.
    there: Vec<i16>,
}

enum Of {
    Integers(Vec<i64>),
    Reals(Vec<f64>),
    Bytes(Vec<ByteArray>),
}

impl Values {
    fn of(kind: Kind) -> Self {
        let of = match kind {
            Kind::Invocation | Kind::Integer => Of::Integers(Vec::new()),
            Kind::Real => Of::Reals(Vec::new()),
            _ => Of::Bytes(Vec::new()),
        };
        Self { of, raw: kind == Kind::Blob, there: Vec::new() }
    }

    /// Adds a cell; tells how many bytes it is.
    fn push(&mut self, cell: &Cell<'_>) -> usize {
        self.there.push(i16::from(*cell != Cell::Null));
        match (&mut self.of, cell) {
            (Of::Integers(of), Cell::Integer(number)) => of.push(*number),
            (Of::Reals(of), Cell::Real(number)) => of.push(*number),
            (Of::Bytes(of), Cell::Blob(bytes)) if self.raw => of.push(bytes.to_vec().into()),
            (Of::Bytes(of), cell) => {
                of.extend(cell.text().map(|text| ByteArray::from(text.into_owned().into_bytes())))
            }
            // What is read of a store is of its column's type.
            _ => {}
        }
        match cell {
            Cell::Text(text) => text.len(),
            Cell::Blob(bytes) => bytes.len(),
            _ => size_of::<i64>(),
        }
    }
}
