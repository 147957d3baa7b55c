"""`leverplus data add`, `list`, `show` and `health`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from db import store
from db.home import resolve_home
from db.session import reading, writing
from db.specs import UserError
from db.store import DataRow
from leverplus_tui import data_files
from leverplus_tui.commands.opened import looking, opened
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.fingerprint import content_sha, total_size
from leverplus_tui.output import finding_lines, iso, moment, put, put_json, say, table
from leverplus_tui.spec_options import flatten

HEALTH = ("queries", "candidates", "positive_rate", "query_positive_rate", "signal_rate", "predicted_advantage_std", "groups",
          "gen_methods", "eval_modes")  # fmt: skip
DataArgument = Annotated[str, typer.Argument(metavar="DATA", help="Registered data (d3 or a name), or a path.")]


def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File or folder.")],
    name: Annotated[str, typer.Option("--name", help="Name to call it by; else that of the file.")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Register RL data, embeddings, a sampler cache or a data set by path and content; the file is never copied.

    Example:
    leverplus data add rl_data.json --name balanced
    leverplus run rce --data balanced --embeddings queries.safetensors
    """
    path = file.expanduser().absolute()
    _existing(path)
    report = data_files.described(path)
    _, database = opened(home)
    with writing(database) as session:
        row = store.add_data(
            session,
            path=path,
            kind=report.kind,
            size=total_size(path),
            sha256=content_sha(path),
            name=name,
            facts=report.facts,
        )
    if as_json:
        put_json(_document(row) | {"findings": [finding.model_dump(mode="json") for finding in report.findings]})
        return
    put(f"{row.ref} {row.name} ({row.kind})")
    for line in finding_lines(report.findings):
        say(line)


def list_data(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List what is registered.

    Example:
    leverplus data list
    """
    place, database = opened(home)
    rows = _with_missing(database)
    if as_json:
        put_json([_document(row) for row in rows])
    elif not rows:
        say(f"nothing is registered in {place.root}: leverplus data add FILE")
    else:
        lines = [
            (r.ref, r.name, r.kind, _bytes(r.size), moment(r.created), r.path, "missing" if r.missing else "")
            for r in rows
        ]
        put(table(("id", "name", "kind", "size", "added", "path", ""), lines, right=(3,)))


def show(data: DataArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show one registered file: what it is, where it is, whether it has changed.

    Example:
    leverplus data show balanced
    """
    with looking(home) as session:
        row = store.find_data(session, data)
    path = Path(row.path)
    changed = path.exists() and (total_size(path) != row.size or content_sha(path) != row.sha256)
    document = _document(row) | {"facts": row.facts, "changed": changed, "missing": not path.exists()}
    if as_json:
        put_json(document)
        return
    flat = list(flatten(document))
    width = max(len(field) for field, _ in flat)
    put("\n".join(f"{field.ljust(width)}  {value}" for field, value in flat))
    if changed:
        say(f"{row.path} is not what was registered: `leverplus data add {row.path}` registers it as it is now")


def health(data: DataArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Say what RL data can teach: positive rate, signal rate, group classes, methods, and what is wrong with it.

    Example:
    leverplus data health rl_data.json
    leverplus data health balanced --json
    """
    path = _located(data, home)
    _existing(path)
    report = data_files.judged(path, resolve_home(home).cache)
    if report.kind != "rl-data":
        raise UserError(f"{report.path} is {report.kind}, not RL data: `leverplus doctor {data}` says more")
    document: dict[str, Any] = {name: report.facts.get(name) for name in HEALTH} | report.facts
    document["findings"] = [finding.model_dump(mode="json") for finding in report.findings]
    if as_json:
        put_json(document)
    else:
        flat = [(name, value) for name, value in flatten(document) if name != "findings"]
        width = max(len(name) for name, _ in flat)
        put("\n".join([f"{name.ljust(width)}  {_figure(name, value)}" for name, value in flat]))
        put("\n".join(finding_lines(report.findings)) or "nothing is wrong with it")
    if any(finding.severity == "error" for finding in report.findings):
        raise typer.Exit(1)


def _with_missing(database: Engine) -> list[DataRow]:
    """What is registered, after noting which files have gone or come back."""
    with reading(database) as session:
        rows = store.list_data(session)
    wrong = [row for row in rows if Path(row.path).exists() == (row.missing is not None)]
    if not wrong:
        return rows
    with writing(database) as session:
        for row in wrong:
            store.mark_missing(session, data_id=row.id, missing=row.missing is None)
        return store.list_data(session)


def _located(data: str, home: Path | None) -> Path:
    path = Path(data).expanduser()
    if path.exists():
        return path.absolute()
    with looking(home) as session:
        return Path(store.find_data(session, data).path)


def _existing(path: Path) -> None:
    if not path.exists():
        raise UserError(f"there is nothing at {path}: give an existing file or folder")


def _document(row: DataRow) -> dict[str, Any]:
    return {
        "id": row.ref, "name": row.name, "kind": row.kind, "path": row.path, "size": row.size, "sha256": row.sha256,
        "created": iso(row.created), "missing": row.missing is not None,
    }  # fmt: skip


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"


def _figure(name: str, value: Any) -> str:
    if isinstance(value, float) and name.endswith("rate"):
        return f"{100 * value:.2f} %"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
