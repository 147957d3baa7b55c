"""`leverplus data add`, `list`, `show`, `forget` and `health`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from db import store
from db.fingerprint import content_sha, total_size
from db.home import resolve_home
from db.session import writing
from db.specs import Report, UserError
from db.specs.base import findings_json, has_error
from db.store import DataRow
from engine.demo.shipped import BUILTIN, builtin_file
from leverplus_tui.commands.database import find_run_id, open_home, reading_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.data import rl_files
from leverplus_tui.data.registering import known_facts, register
from leverplus_tui.jobs.named_paths import RUN, rl_data_path
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.text.numbers import share, size
from leverplus_tui.text.output import finding_lines, put, put_json, say, table
from leverplus_tui.text.shares import doubt, label_line
from leverplus_tui.text.times import iso, moment
from leverplus_tui.text.words import fact

HEALTH = ("queries", "candidates", "positive_rate", "query_positive_rate", "signal_rate", "predicted_advantage_std", "groups",
          "gen_methods", "eval_modes")  # fmt: skip
RATES = ("positive_rate", "query_positive_rate", "signal_rate", "top_3_signal_rate")
DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="Registered data (d3 or a name), a path, a run, or `builtin`.")
]


def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File or folder.")],
    name: Annotated[str, typer.Option("--name", help="Name to register it under; else the name of the file.")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Register RL data, embeddings, a sampler cache or a data set by path and content. The file stays where it is.

    Example:
    leverplus data add rl_data.json --name balanced
    leverplus run rce --data balanced --embeddings queries.safetensors
    """
    path = file.expanduser().absolute()
    _existing(path)
    _, database = open_home(home)
    row, report = register(database, path, name=name)
    if row is None:
        _refuse(path, report, as_json)
    if as_json:
        put_json(_document(row) | {"findings": findings_json(report.findings)})
    else:
        put(f"{row.ref} {row.name} ({row.kind})")
        _say_findings(report)
    if has_error(report.findings):
        say(f"leverplus: {row.ref} {row.name} is registered although an error was found in it")
        raise typer.Exit(1)


def _refuse(path: Path, report: Report, as_json: bool) -> NoReturn:
    """What cannot be read is not registered: its name would stand for nothing."""
    if as_json:
        put_json({"id": None, "path": str(path), "kind": "unknown", "findings": findings_json(report.findings)})
    else:
        _say_findings(report)
    say(f"leverplus: {path} was not registered, because it could not be read as any kind of data")
    raise typer.Exit(1)


def _say_findings(report: Report) -> None:
    for line in finding_lines(report.findings):
        say(line)


def list_data(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List what is registered and what runs wrote, and say what is missing or changed.

    Example:
    leverplus data list
    """
    place, database = open_home(home)
    rows = store.all_data(database)
    if as_json:
        put_json([_document(row) for row in rows])
    elif not rows:
        say(f"nothing is registered in {place.root}: leverplus data add FILE")
    else:
        lines = [
            (r.ref, r.name, r.kind, size(r.size), moment(r.created), r.path, "" if r.state == "there" else r.state)
            for r in rows
        ]
        put(table(("id", "name", "kind", "size", "added", "path", ""), lines, right=(3,)))


def show(data: DataArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show one registered file: what it is, where it is, whether it has changed.

    Example:
    leverplus data show balanced
    """
    document = _unregistered(data, home) or _registered(data, home)
    if as_json:
        put_json(document)
        return
    flat = list(flatten(document))
    width = max(len(field) for field, _ in flat)
    put("\n".join(f"{field.ljust(width)}  {value}" for field, value in flat))
    if document["changed"]:
        path = document["path"]
        say(f"{path} is not what was registered: `leverplus data add {path}` registers it as it is now")


def _registered(data: str, home: Path | None) -> dict[str, Any]:
    with reading_home(home) as session:
        row = store.as_on_disk(store.find_data(session, data))
    changed = row.missing is None and content_sha(Path(row.path)) != row.sha256
    return _document(row) | {"facts": row.facts, "changed": changed}


def _unregistered(data: str, home: Path | None) -> dict[str, Any] | None:
    """What `builtin` or a run such as r12 stands for; nobody need register that."""
    if data != BUILTIN and not RUN.fullmatch(data):
        return None
    path = builtin_file("rl-data") if data == BUILTIN else _written(data, home)
    report, missing = rl_files.described(path), not path.exists()
    return {
        "id": data, "name": data, "kind": report.kind, "path": str(path), "size": total_size(path), "sha256": content_sha(path),
        "created": None, "missing": missing, "facts": known_facts(path, report), "changed": False,
    }  # fmt: skip


def _written(run: str, home: Path | None) -> Path:
    with reading_home(home) as session:
        detail = store.run_detail(session, run_id=find_run_id(session, run))
    if not detail.artifacts:
        row = detail.row
        raise UserError(
            f"{row.ref} ({row.kind}, {row.state}) wrote no data: `leverplus show {row.ref}` says what it did"
        )
    path = Path(detail.artifacts[-1].path)
    _existing(path)
    return path


def forget(data: DataArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Take a file out of the list of registered data; the file itself stays as it is.

    Example:
    leverplus data forget balanced
    """
    _, database = open_home(home)
    with writing(database) as session:
        row = store.find_data(session, data)
        if row.run_id is not None:
            raise UserError(
                f"these data were written by {row.ref}: `leverplus delete {row.ref}` hides that run with its data"
            )
        store.forget_data(session, data_id=row.id)
    if as_json:
        put_json(_document(row))
    else:
        put(f"{row.ref} {row.name} forgotten; `leverplus data add {row.path}` registers it again")


def health(data: DataArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Say what RL data can teach (positive rate, signal rate, group classes, methods) and what is wrong with them.

    Example:
    leverplus data health rl_data.json
    leverplus data health balanced --json
    """
    place = resolve_home(home)
    path = rl_data_path(data, place)
    report = rl_files.judged(path, place.cache)
    if report.kind != "rl-data":
        raise UserError(f"{report.path} is {report.kind}, not RL data: `leverplus doctor {data}` says more")
    document: dict[str, Any] = {name: report.facts.get(name) for name in HEALTH} | report.facts
    document["findings"] = findings_json(report.findings)
    if as_json:
        put_json(document)
    else:
        lines = list(_health_lines(document))
        width = max(len(name) for name, _ in lines)
        put("\n".join([f"{name.ljust(width)}  {text}" for name, text in lines]))
        put("\n".join(finding_lines(report.findings)) or "nothing is wrong with it")
    if has_error(report.findings):
        raise typer.Exit(1)


def _existing(path: Path) -> None:
    if not path.exists():
        raise UserError(f"there is nothing at {path}: give an existing file or folder")


def _document(row: DataRow) -> dict[str, Any]:
    return {
        "id": row.ref, "name": row.name, "kind": row.kind, "path": row.path, "size": row.size, "sha256": row.sha256,
        "created": iso(row.created), "missing": row.missing is not None, "changed": row.changed is not None,
    }  # fmt: skip


def _health_lines(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every measure by name; a share has its interval, and says where queries are too few for it to mean anything."""
    intervals = document.get("intervals", {})
    for field, measure in document.items():
        if field in ("gen_methods", "eval_modes"):
            for label, row in measure.items():
                yield f"{field}.{label}", label_line(row)
        elif field in RATES:
            text = share(measure, intervals.get(field))
            few = doubt(document["queries"])
            yield field, f"{text}, {few}" if few else text
        elif field not in ("intervals", "findings"):
            for name, value in flatten(measure, field):
                yield name, fact(value)
