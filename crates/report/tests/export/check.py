"""Holds an export as Parquet against the one as CSV: check.py CSV-FOLDER PARQUET-FOLDER

pyarrow and DuckDB read both, and every cell must be the same. The digest is computed once more from what pyarrow read, as the
documentation defines it."""
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
    """What is bytes, as CSV has it."""
    for index, field in enumerate(table.schema):
        if pyarrow.types.is_binary(field.type):
            column = [cell and base64.b64encode(cell).decode() for cell in table.column(index).to_pylist()]
            table = table.set_column(index, field.name, pyarrow.array(column, pyarrow.string()))
    return table


def marked(cell):
    """An id as CSV has it, after `id-` where it would be read as a number."""
    return f"id-{cell}" if isinstance(cell, str) and re.fullmatch(r"[0-9]+([de][0-9]+)?[df]?", cell) else cell


IDS = ("id", "trial_id", "run_id", "shared_from")


def by_pyarrow(csv, parquet):
    options = pyarrow.csv.ConvertOptions(
        column_types=parquet.schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False)
    lines = pyarrow.csv.ParseOptions(newlines_in_values=True)
    table = pyarrow.csv.read_csv(csv, parse_options=lines, convert_options=options)
    assert table.column_names == parquet.column_names, (csv, table.column_names)
    for name in table.column_names:
        left, right = table.column(name).to_pylist(), parquet.column(name).to_pylist()
        if name in IDS:
            right = list(map(marked, right))
        assert list(map(repr, left)) == list(map(repr, right)), (csv, name)


def by_duckdb(csv, parquet):
    query = duckdb.connect().execute
    columns = {name: kind for name, kind, *_ in query(f"DESCRIBE FROM read_parquet('{parquet}')").fetchall()}
    text = {name: "VARCHAR" if kind == "BLOB" else kind for name, kind in columns.items()}
    of_csv = query(
        f"FROM read_csv('{csv}', header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
        f"allow_quoted_nulls = false, auto_detect = false, columns = {text})").fetchall()
    cells = ", ".join(f'to_base64("{name}")' if kind == "BLOB" else f'"{name}"' for name, kind in columns.items())
    of_parquet = query(f"SELECT {cells} FROM read_parquet('{parquet}')").fetchall()
    ids = [name in IDS and kind == "VARCHAR" for name, kind in columns.items()]
    of_parquet = [tuple(marked(cell) if is_id else cell for cell, is_id in zip(row, ids)) for row in of_parquet]
    assert list(map(repr, of_csv)) == list(map(repr, of_parquet)), csv


def run_table(parquet):
    """What run_table has as columns are the rows of params and results."""
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
    sized = lambda data: struct.pack("<Q", len(data)) + data
    there = {name: cell for name, cell in row.items() if cell is not None}
    yield sized(table.encode()) + struct.pack("<Q", len(there))
    for name, cell in there.items():
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
        by_pyarrow(csv / f"{name}.csv", as_text(table))
        by_duckdb(csv / f"{name}.csv", parquet / f"{name}.parquet")
        for row in table.to_pylist():
            rows += 1
            for part in row_bytes(name, row):
                sha256.update(part)
    run_table(parquet)
    for folder in csv, parquet:
        said = (folder / "digest.txt").read_text()
        assert said == f"sha256:{sha256.hexdigest()}\n", (folder, said, sha256.hexdigest())
    print(f"{rows} rows are the same in Parquet and CSV, for pyarrow and DuckDB, and come to the digest")


main(*map(pathlib.Path, sys.argv[1:]))
