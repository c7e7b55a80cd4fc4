"""Compare an export in Parquet with one in CSV: check.py CSV-FOLDER PARQUET-FOLDER

pyarrow and DuckDB read both exports. Every cell must be equal. The script also computes the digest
from the cells that pyarrow reads, as docs/export.md defines it.
"""

import base64
import hashlib
import pathlib
import re
import struct
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

TABLES = [
    "experiments", "invocations", "runs", "params", "metrics",
    "results", "resumptions", "checkpoints", "examples", "mistakes", "declarations",
]


def as_text(table):
    """The table with bytes in base64, as in CSV."""
    for index, field in enumerate(table.schema):
        if pyarrow.types.is_binary(field.type):
            column = [cell and base64.b64encode(cell).decode() for cell in table.column(index).to_pylist()]
            table = table.set_column(index, field.name, pyarrow.array(column, pyarrow.string()))
    return table


def with_id_prefix(cell):
    """An id as in CSV: with the prefix `id-` if a program could read it as a number."""
    return f"id-{cell}" if isinstance(cell, str) and re.fullmatch(r"[0-9]+([de][0-9]+)?[df]?", cell) else cell


IDS = ("id", "trial_id", "run_id", "shared_from")


def compare_by_pyarrow(csv, parquet):
    """Compare a CSV file with a table from Parquet, both read by pyarrow."""
    options = pyarrow.csv.ConvertOptions(
        column_types=parquet.schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False)
    lines = pyarrow.csv.ParseOptions(newlines_in_values=True)
    table = pyarrow.csv.read_csv(csv, parse_options=lines, convert_options=options)
    assert table.column_names == parquet.column_names, (csv, table.column_names)
    for name in table.column_names:
        left, right = table.column(name).to_pylist(), parquet.column(name).to_pylist()
        if name in IDS:
            right = list(map(with_id_prefix, right))
        assert list(map(repr, left)) == list(map(repr, right)), (csv, name)


def compare_by_duckdb(csv, parquet):
    """Compare a CSV file with a Parquet file, both read by DuckDB."""
    query = duckdb.connect().execute
    columns = {name: kind for name, kind, *_ in query(f"DESCRIBE FROM read_parquet('{parquet}')").fetchall()}
    text = {name: "VARCHAR" if kind == "BLOB" else kind for name, kind in columns.items()}
    csv_rows = query(
        f"FROM read_csv('{csv}', header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
        f"allow_quoted_nulls = false, auto_detect = false, columns = {text})").fetchall()
    cells = ", ".join(f'to_base64("{name}")' if kind == "BLOB" else f'"{name}"' for name, kind in columns.items())
    parquet_rows = query(f"SELECT {cells} FROM read_parquet('{parquet}')").fetchall()
    ids = [name in IDS and kind == "VARCHAR" for name, kind in columns.items()]
    parquet_rows = [tuple(with_id_prefix(cell) if is_id else cell for cell, is_id in zip(row, ids)) for row in parquet_rows]
    assert list(map(repr, csv_rows)) == list(map(repr, parquet_rows)), csv


def check_run_table(parquet):
    """Check that the columns of run_table hold exactly the rows of params and results."""
    read = lambda name: pyarrow.parquet.read_table(parquet / f"{name}.parquet").to_pylist()
    rows = {row["id"]: {key: cell for key, cell in row.items() if "." in key and cell is not None} for row in read("run_table")}
    assert list(rows) == [row["id"] for row in read("runs")]
    kinds = {"integer": int, "real": float, "text": str}
    for table in "params", "results":
        for row in read(table):
            cell = rows[row["run_id"]].pop(f"{table}.{row['name']}")
            value = kinds[row.get("type", "real")](row["value"])
            assert cell == value or cell == row["value"], (row, cell)
    assert not any(rows.values()), rows


def row_bytes(table, row):
    """The bytes of a row that the digest hashes."""
    sized = lambda data: struct.pack("<Q", len(data)) + data
    present = {name: cell for name, cell in row.items() if cell is not None}
    yield sized(table.encode()) + struct.pack("<Q", len(present))
    for name, cell in present.items():
        if name == "value" and "type" in row:
            cell = {"integer": int, "real": float, "text": str, "blob": base64.b64decode}[row["type"]](cell)
        yield sized(name.encode())
        match cell:
            case int(): yield b"i" + struct.pack("<q", cell)
            case float(): yield b"r" + struct.pack("<d", cell)
            case str(): yield b"t" + sized(cell.encode())
            case bytes(): yield b"b" + sized(cell)


def main(csv, parquet):
    sha256, rows = hashlib.sha256(), 0
    for name in TABLES:
        table = pyarrow.parquet.read_table(parquet / f"{name}.parquet")
        compare_by_pyarrow(csv / f"{name}.csv", as_text(table))
        compare_by_duckdb(csv / f"{name}.csv", parquet / f"{name}.parquet")
        for row in table.to_pylist():
            rows += 1
            for part in row_bytes(name, row):
                sha256.update(part)
    check_run_table(parquet)
    for folder in csv, parquet:
        written = (folder / "digest.txt").read_text()
        assert written == f"sha256:{sha256.hexdigest()}\n", (folder, written, sha256.hexdigest())
    print(f"{rows} rows are equal in Parquet and CSV, for pyarrow and DuckDB, and have the right digest")


main(*map(pathlib.Path, sys.argv[1:]))
