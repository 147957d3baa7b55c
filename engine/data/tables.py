"""Parquet and Arrow files, read row by row through pyarrow, which is wanted for nothing else and so is no dependency."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.specs.base import UserError

_ROWS_AT_ONCE = 256  # rows may carry images


def read_table(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a .parquet or .arrow file. Raises UserError where pyarrow is missing or the file is damaged."""
    try:
        arrow: Any = importlib.import_module("pyarrow")
        importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise UserError(
            f"{path} is a {path.suffix[1:]} file, which needs pyarrow: pip install pyarrow, or give the data as JSON"
        ) from None
    try:
        for batch in _batches(path, arrow):
            yield from batch.to_pylist()
    except (arrow.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}): copy or download it again") from None


def _batches(path: Path, arrow: Any) -> Iterator[Any]:
    if path.suffix == ".parquet":
        with arrow.parquet.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=_ROWS_AT_ONCE)
        return
    with arrow.memory_map(str(path)) as source:
        for batch in arrow.ipc.open_stream(source):
            for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                yield batch.slice(start, _ROWS_AT_ONCE)
