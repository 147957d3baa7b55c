"""Parquet and Arrow files, read row by row within bounds through pyarrow, the extra `parquet`."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.files.gate import NotReadable, opened

SUFFIXES = (".parquet", ".arrow")
MOST_BYTES = 64 << 30
"""Of one file; published ones are cut into pieces of half a gigabyte."""
MOST_ROWS = 1_000_000
"""Beside one row for each 16 bytes of the file: a column of one repeated value takes no room."""
MOST_COLUMNS = 1000
_AT_ONCE, _BYTES_AT_ONCE = 256, 256 << 20
_IPC_FILE = b"ARROW1"


class ExtraMissing(UserError):
    """A package is needed that an extra of the program brings."""

    code = "missing-extra"


def arrow_for(path: Path, otherwise: str) -> Any:
    """The package pyarrow with its Parquet part; `otherwise` is a way on without it. Raises ExtraMissing."""
    try:
        arrow: Any = importlib.import_module("pyarrow")
        importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ExtraMissing(
            f"{path} needs pyarrow: pip install 'leverplus[parquet]' (or pip install pyarrow), or {otherwise}"
        ) from None
    return arrow


def read_table(path: Path, without: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """The rows of a .parquet or .arrow file, less the columns named in `without`.

    Raises ExtraMissing where pyarrow is not installed, UserError where the file is damaged or beyond all bounds.
    """
    arrow = arrow_for(path, "give the data as JSON")
    batches = _parquet_batches if path.suffix == ".parquet" else _arrow_batches
    for batch in batches(path, arrow, frozenset(without)):
        with _named_damage(path, arrow):
            rows = batch.to_pylist()
        yield from rows


@contextmanager
def _named_damage(path: Path, arrow: Any) -> Iterator[None]:
    try:
        yield
    except NotReadable:
        raise
    except (arrow.ArrowException, OSError, MemoryError, OverflowError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path} cannot be read ({reason}): copy or download it again") from None


def _parquet_batches(path: Path, arrow: Any, without: frozenset[str]) -> Iterator[Any]:
    with opened(path, MOST_BYTES) as file, _named_damage(path, arrow), arrow.parquet.ParquetFile(file) as table:
        if table.metadata.num_columns > MOST_COLUMNS:
            raise NotReadable(_beyond(path, f"{table.metadata.num_columns:,} columns"))
        _check_rows(path, table.metadata.num_rows)
        names = [name for name in table.schema_arrow.names if name not in without]
        yield from table.iter_batches(batch_size=_rows_at_once(_largest_column(table)), columns=names)


def _arrow_batches(path: Path, arrow: Any, without: frozenset[str]) -> Iterator[Any]:
    with opened(path, MOST_BYTES) as file:
        head = file.read(len(_IPC_FILE))
    rows = 0
    with _named_damage(path, arrow), arrow.memory_map(str(path)) as source:
        for batch in _stored_batches(arrow, source, head):
            rows += batch.num_rows
            _check_rows(path, rows)
            kept = batch.select([name for name in batch.schema.names if name not in without])
            step = _rows_at_once(kept.nbytes)
            yield from (kept.slice(start, step) for start in range(0, kept.num_rows, step))


def _stored_batches(arrow: Any, source: Any, head: bytes) -> Iterator[Any]:
    """Of a stream, as `datasets` writes them, or of the form that can be read from anywhere."""
    if head != _IPC_FILE:
        yield from arrow.ipc.open_stream(source)
        return
    file = arrow.ipc.open_file(source)
    yield from (file.get_batch(number) for number in range(file.num_record_batches))


def _largest_column(table: Any) -> int:
    """Bytes of the largest column of a row group, which a single value may take up whole."""
    groups = (table.metadata.row_group(number) for number in range(table.metadata.num_row_groups))
    sizes = (group.column(at).total_uncompressed_size for group in groups for at in range(group.num_columns))
    return max(sizes, default=0)


def _rows_at_once(largest: int) -> int:
    """Fewer where one stored value may be repeated in each row, and none of them alone is small."""
    return max(1, min(_AT_ONCE, _BYTES_AT_ONCE // max(1, largest)))


def _check_rows(path: Path, rows: int) -> None:
    if rows > MOST_ROWS + path.stat().st_size // 16:
        raise NotReadable(_beyond(path, f"{rows:,} rows"))


def _beyond(path: Path, what: str) -> str:
    return f"{path} says it has {what} in {path.stat().st_size:,} bytes, more than any honest file; check what it is"
