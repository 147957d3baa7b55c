"""Runs as things people handle: made, found, renamed, tagged, noted, deleted, and moved from state to state."""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from db import specs
from db.canonical import canonical_json, sha256_text
from db.connection import Session
from db.run_states import ACTIVE, ENDED, STATES
from db.store.base import execute, execute_many, home, insert, listed, now, query, ref, update
from db.store.jobs.trials import asking_runs
from db.user_error import UserError

EMPTY = {
    "dataset": "", "vlm": "", "retriever": "", "selector": "", "variant": "", "split": "",
    "progress_done": 0, "progress_total": 0, "progress_unit": "", "progress_note": "", "progress_from": 0,
}  # fmt: skip
"""Columns of a run that its specification does not fill."""


@dataclass(frozen=True)
class Run:
    """A run as it is stored (`db.models.Run`): specification and environment as JSON, times in UTC microseconds."""

    id: int
    name: str
    kind: str
    state: str
    parent_id: int | None
    spec: str
    spec_sha: str
    environment: str
    forced: bool
    dataset: str
    vlm: str
    retriever: str
    selector: str
    variant: str
    seed: int | None
    split: str
    dataset_id: int | None
    progress_done: int
    progress_total: int
    progress_unit: str
    progress_note: str
    progress_at: int | None
    progress_from: int
    progress_since: int | None
    created_at: int
    started_at: int | None
    ended_at: int | None
    deleted_at: int | None


class StateConflict(UserError):
    """The run is not in a state from which this is possible; somebody else was quicker, or it has ended."""

    exit_code = 1


def create_run(
    session: Session,
    *,
    spec: specs.AnySpec,
    name: str = "",
    forced: bool = False,
    environment: Mapping[str, Any],
    parent: int | None = None,
) -> Run:
    """A queued run with its whole specification. `environment`: commit, versions, host, device, as JSON values."""
    text, sha = stored_spec(session, spec)
    columns = {
        "name": one_line(name or default_name(spec)),
        "kind": spec.kind,
        "state": "queued",
        "parent_id": parent,
        "spec": text,
        "spec_sha": sha,
        "environment": canonical_json(dict(environment)),
        "forced": forced,
        "created_at": now(),
    }
    run_id = insert(session, "run", EMPTY | columns | home(session).stored_values(listed_fields(spec)))
    return get_run(session, run_id=run_id)


def set_environment(session: Session, *, run_id: int, environment: Mapping[str, Any]) -> None:
    """Replace what a run was made with: commit, versions, host, device, as JSON values."""
    update(session, "run", run_id, environment=canonical_json(dict(environment)))


def one_line(name: str) -> str:
    r"""A name as one line of text: what would break lists or has no encoding is written as `\n`, `\udcff`."""
    odd = ("Cc", "Cs", "Zl", "Zp")
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in odd else c for c in name)


def listed_fields(spec: specs.AnySpec) -> dict[str, Any]:
    """The columns that lists show, filter and sort by, taken from a specification."""
    if isinstance(spec, specs.TrainSpec):
        return {"dataset": spec.rl_data, "selector": spec.init, "variant": spec.variant, "seed": spec.seed}
    if isinstance(spec, specs.EmbedSpec):
        return {"dataset": spec.dataset, "vlm": spec.vlm if spec.encoder == "vlm" else spec.encoder}
    fields: dict[str, Any] = {"dataset": spec.dataset, "vlm": spec.vlm, "selector": spec.selector, "seed": spec.seed}
    if isinstance(spec, specs.EvalSpec):
        fields |= {"split": spec.split, "retriever": spec.retriever or ("selector" if spec.selector else "")}
    if isinstance(spec, specs.ImportSpec):
        fields |= {"split": spec.split}
    return fields


def default_name(spec: specs.AnySpec) -> str:
    """A name for a run that nobody named."""
    if isinstance(spec, specs.TrainSpec):
        return f"{spec.kind}-{spec.variant}"
    if isinstance(spec, specs.ImportSpec):
        return spec.label or PurePath(spec.source).stem
    name = f"{spec.kind}-{PurePath(spec.dataset).name or spec.dataset}"
    if not isinstance(spec, specs.EvalSpec):
        return name
    return f"{name}-{spec.retriever or ('selector' if spec.selector else 'auto')}"


def spec_of(session: Session, *, run: Run) -> specs.AnySpec:
    """The specification that the run was made with, its files where they are now."""
    return specs.read_spec(run.kind, spec_text(session, run=run))


def spec_text(session: Session, *, run: Run) -> str:
    """The same as JSON, which may be that of another version."""
    return canonical_json(home(session).located_values(json.loads(run.spec)))


def stored_spec(session: Session, spec: specs.AnySpec) -> tuple[str, str]:
    """Canonical JSON that stays the same when the home is moved, and its hash."""
    text = canonical_json(home(session).stored_values(spec.model_dump(mode="json")))
    return text, sha256_text(text)


def get_run(session: Session, *, run_id: int) -> Run:
    """The run with this integer id, deleted or not."""
    run = _run(session, run_id)
    if run is None:
        raise UserError(f"there is no run {ref(run_id)}: `leverplus runs` lists those that exist")
    return run


def _run(session: Session, run_id: int) -> Run | None:
    found = query(session, "SELECT * FROM run WHERE id = :id", {"id": run_id})
    return Run(**(dict(found[0]) | {"forced": bool(found[0]["forced"])})) if found else None


def asking_run(session: Session, *, run_id: int) -> Run | None:
    """The job that is, or was, asked about an evaluation: the one that works if there is one, else the newest."""
    sql = f"""SELECT id FROM run WHERE kind = 'ask' AND parent_id = :run AND deleted_at IS NULL
        ORDER BY state IN {ACTIVE} DESC, id DESC LIMIT 1"""
    found = query(session, sql, {"run": run_id})
    return _run(session, found[0]["id"]) if found else None


def find_run(session: Session, text: str, *, deleted: bool = False) -> Run:
    """The run meant by `r12`, `12` or a name that only one run has. Raises UserError naming near misses."""
    text = text.strip()
    digits = text[1:] if text[:1] in "rR" else text
    if digits.isascii() and digits.isdigit():
        run = _run(session, int(digits)) if len(digits) < 19 else None
        if run is not None:
            return _unless_deleted(run, deleted)
    named = query(session, "SELECT id FROM run WHERE name = :name AND deleted_at IS NULL ORDER BY id", {"name": text})
    if len(named) == 1:
        return get_run(session, run_id=named[0]["id"])
    if named:
        some = ", ".join(ref(row["id"]) for row in named[-5:])
        raise UserError(f"{len(named)} runs are called '{text}' ({some}): give the id of the one you mean")
    raise UserError(f"there is no run '{text}'{_near(session, text)}: `leverplus runs` lists those that exist")


def run_of_spec(session: Session, *, spec: specs.AnySpec) -> int | None:
    """The oldest run of this very specification that is not deleted: of an import, the one that holds the same figures."""
    sql = "SELECT min(id) AS id FROM run WHERE spec_sha = :sha AND deleted_at IS NULL"
    found: int | None = query(session, sql, {"sha": stored_spec(session, spec)[1]})[0]["id"]
    return found


def twin(session: Session, *, spec: specs.AnySpec) -> int | None:
    """The newest run of this very specification that is done, else the newest one; deleted ones do not count."""
    text, sha = stored_spec(session, spec)
    fields = type(spec).model_fields
    gained = {name for name in specs.LATER_FIELDS if name in fields and getattr(spec, name) == fields[name].default}
    before = {name: value for name, value in json.loads(text).items() if name not in gained}
    sql = """
        SELECT id FROM run WHERE spec_sha IN (:sha, :before) AND deleted_at IS NULL
        ORDER BY state = 'done' DESC, id DESC LIMIT 1
    """
    found = query(session, sql, {"sha": sha, "before": sha256_text(canonical_json(before))})
    return found[0]["id"] if found else None


def done_before(session: Session, *, run_id: int, fields: Sequence[str], most: int) -> list[int]:
    """Earlier runs of the same kind that are done and agree in these settings, the newest first; deleted ones do not count."""
    agree = "".join(f" AND json_extract(a.spec, '$.{field}') IS json_extract(b.spec, '$.{field}')" for field in fields)
    sql = f"""
        SELECT a.id FROM run AS a JOIN run AS b ON b.id = :run
        WHERE a.id < b.id AND a.kind = b.kind AND a.state = 'done' AND a.deleted_at IS NULL{agree}
        ORDER BY a.id DESC LIMIT :most
    """
    return [row["id"] for row in query(session, sql, {"run": run_id, "most": most})]


def _unless_deleted(run: Run, deleted: bool) -> Run:
    if run.deleted_at is not None and not deleted:
        raise UserError(f"{ref(run.id)} was deleted: `leverplus runs --where deleted:yes` lists deleted runs")
    return run


def _near(session: Session, text: str) -> str:
    rows = query(session, "SELECT id, name FROM run WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 1000")
    if not rows:
        return " (no run is stored yet)"
    names = {row["name"]: ref(row["id"]) for row in reversed(rows)} | {ref(row["id"]): ref(row["id"]) for row in rows}
    close = difflib.get_close_matches(text, list(names), n=3, cutoff=0.5)
    said = [name if name == names[name] else f"{name} ({names[name]})" for name in close]
    return f" (near: {', '.join(said)})" if said else f" (the newest is {ref(rows[0]['id'])})"


def set_state(session: Session, *, run_id: int, state: str) -> None:
    """Move a run on: queued to running, either to an end. An end stays; `resume_run` alone leaves it.

    Saying the present state again does nothing. Raises StateConflict for any other step.
    """
    assert state in STATES, f"{state} is no run state"
    present = get_run(session, run_id=run_id).state
    if present == state:
        return
    if present in ENDED or state == "queued":
        raise StateConflict(
            f"{ref(run_id)} is {present} and cannot become {state}: `leverplus resume {ref(run_id)}` goes on"
        )
    move(session, run_id=run_id, state=state)


def move(session: Session, *, run_id: int, state: str) -> None:
    """Write a state and its time, unconditionally."""
    run = get_run(session, run_id=run_id)
    started = now() if state == "running" and run.started_at is None else run.started_at
    update(session, "run", run_id, state=state, ended_at=now() if state in ENDED else None, started_at=started)


def resume_run(session: Session, *, run_id: int) -> Run:
    """Queue an ended run again; the next process goes on where the last one was. Raises StateConflict when it has not ended."""
    run = get_run(session, run_id=run_id)
    if run.state not in ENDED:
        raise StateConflict(f"{ref(run_id)} is {run.state}: stop it before resuming it")
    move(session, run_id=run_id, state="queued")
    return get_run(session, run_id=run_id)


def rename(session: Session, *, run_id: int, name: str) -> None:
    """Give a run another name."""
    if not name.strip():
        raise UserError(f"the new name of {ref(run_id)} is empty: give at least one letter")
    get_run(session, run_id=run_id)
    update(session, "run", run_id, name=one_line(name.strip()))


def tag(session: Session, *, run_id: int, tags: Sequence[str]) -> None:
    """Put words on a run; those that it has stay."""
    bad = [
        word
        for word in tags
        if not word.strip() or any(c.isspace() or c == '"' for c in word) or one_line(word) != word
    ]
    if bad:
        raise UserError(f"'{bad[0]}' cannot be a tag: use one word without blanks and quotes")
    execute_many(session, "INSERT OR IGNORE INTO tag (run_id, name) VALUES (?, ?)", [(run_id, word) for word in tags])


def untag(session: Session, *, run_id: int, tags: Sequence[str]) -> None:
    """Take words off a run."""
    execute_many(session, "DELETE FROM tag WHERE run_id = ? AND name = ?", [(run_id, word) for word in tags])


def note(session: Session, *, run_id: int, text: str) -> None:
    """Set what is written about a run; nothing takes it away."""
    if not text.strip():
        execute(session, "DELETE FROM note WHERE run_id = :id", {"id": run_id})
        return
    execute_many(
        session, "INSERT OR REPLACE INTO note (run_id, text, updated_at) VALUES (?, ?, ?)", [(run_id, text, now())]
    )


def note_of(session: Session, *, run_id: int) -> str:
    """What is written about a run; empty where nothing is."""
    found = query(session, "SELECT text FROM note WHERE run_id = :run", {"run": run_id})
    return found[0]["text"] if found else ""


def discard(session: Session, *, run_id: int) -> None:
    """Take a run out with all its rows, as if it had never been, and the jobs that were asked about it."""
    execute(session, "DELETE FROM run WHERE id = :id OR (kind = 'ask' AND parent_id = :id)", {"id": run_id})


def soft_delete(session: Session, *, run_ids: Sequence[int]) -> None:
    """Hide runs, and the jobs that were asked about them; everything they stored stays.

    Raises StateConflict when one is queued or running.
    """
    run_ids = [*run_ids, *asking_runs(session, run_ids=run_ids)]
    active = query(
        session,
        f"SELECT id, state FROM run WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN {ACTIVE}",
        {"ids": listed(run_ids)},
    )
    if active:
        first = ref(active[0]["id"])
        raise StateConflict(f"{first} is {active[0]['state']}: `leverplus stop {first}`, then delete it")
    _set_deleted(session, run_ids, now())


def restore(session: Session, *, run_ids: Sequence[int]) -> None:
    """Show deleted runs again, and the jobs that were asked about them. Raises UserError for one that is not deleted."""
    for run_id in run_ids:
        if get_run(session, run_id=run_id).deleted_at is None:
            raise UserError(f"{ref(run_id)} is not in the trash: `leverplus trash list` shows what is")
    _set_deleted(session, [*run_ids, *asking_runs(session, run_ids=run_ids)], None)


def _set_deleted(session: Session, run_ids: Sequence[int], time: int | None) -> None:
    for run_id in run_ids:
        get_run(session, run_id=run_id)
        update(session, "run", run_id, deleted_at=time)
