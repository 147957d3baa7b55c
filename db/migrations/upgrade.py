"""Bring a database file up to date: lock, look again, copy, then every pending step in one transaction."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.pool import NullPool

from db.copying import copy_database
from db.errors import DatabaseDamaged, damaged, translate
from db.home import Home
from db.schema import APPLICATION_ID, SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

KEPT_BACKUPS = 3
HERE = Path(__file__).parent
STEPS = HERE / "steps"

_one_at_a_time = threading.Lock()
"""Alembic keeps its present environment in module globals."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings, made here so that no ini file has to be found."""
    from alembic.config import Config  # here, so that those who only wait for the lock need not import it

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("version_locations", str(STEPS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config


def bring_up_to_date(path: Path, *, busy_seconds: float, is_current: Callable[[], bool]) -> None:
    """Create or migrate the file at `path`; does nothing when another program has just done it.

    Raises DatabaseBusy when the lock is held for longer than `busy_seconds`.
    """
    with _one_at_a_time, _in_our_words(path), _locked(path, busy_seconds):
        if is_current():
            return
        with closing(sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)) as connection:
            schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if not schema:
                _refuse_to_begin_anew(path)
            connection.execute("PRAGMA journal_mode = WAL")
            if 0 < schema < SCHEMA:
                _back_up(path, schema)
        if schema < SCHEMA:
            run_steps(path, busy_seconds, SCHEMA)


def _refuse_to_begin_anew(path: Path) -> None:
    """Not among what other runs have left: their numbers would be given again, and their folders be written into."""
    home = Home(path.parent)
    if (
        home.database == path
        and home.runs.is_dir()
        and any(re.fullmatch(r"r\d+", one.name) for one in home.runs.iterdir())
    ):
        raise DatabaseDamaged(
            f"{path} is missing or empty, and {home.runs} holds what its runs wrote: `leverplus restore FILE` puts a backup in its "
            f"place; to begin anew, move {home.runs} away"
        )


def run_steps(path: Path, busy_seconds: float, schema: int = SCHEMA) -> None:
    """Every step up to `schema` in one transaction: a process that is killed leaves the file as it was."""
    # 70 ms that only a migration needs
    from alembic import command

    engine = _engine(path, busy_seconds)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), str(schema))
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise damaged(path, f"{len(broken)} rows of {broken[0][0]} refer to nothing")
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {schema}")


def _engine(path: Path, busy_seconds: float) -> Engine:
    """As Alembic wants it: one IMMEDIATE transaction, foreign keys off, as altering by copy needs."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def explain(context: ExceptionContext) -> None:
        sentence = translate(context.original_exception, path)
        if sentence is not None:
            raise sentence from context.original_exception

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", begin)
    event.listen(engine, "handle_error", explain)
    return engine


def _back_up(path: Path, schema: int) -> None:
    """A consistent copy in `backups/` beside the database, whatever other programs do meanwhile; the newest three stay."""
    folder = path.with_name("backups")
    folder.mkdir(exist_ok=True)
    for begun in folder.glob("*.part"):  # of a program that was killed while it copied; the lock is ours
        begun.unlink()
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    copy = folder / f"{path.stem}-{stamp}-schema{schema}.db"
    copy_database(path, copy)
    for old in sorted(folder.glob(f"{path.stem}-*.db"))[:-KEPT_BACKUPS]:
        old.unlink()


@contextmanager
def _locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold `<database>.lock`. It is an empty SQLite file: its locks wait, work on every platform and die with the process."""
    lock = sqlite3.connect(path.with_name(path.name + ".lock"), timeout=seconds, isolation_level=None)
    with closing(lock):
        lock.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def _in_our_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        sentence = translate(error, path)
        if sentence is None:
            raise
        raise sentence from error
