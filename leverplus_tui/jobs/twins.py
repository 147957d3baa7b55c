"""Whether a job was asked for before, in one line: what of that run would be used again."""

from __future__ import annotations

from db import store
from db.run_states import ACTIVE
from db.session import Session
from db.specs import EvalSpec, GenerateSpec, JobSpec
from db.specs.evaluate import WITHOUT_MODEL
from leverplus_tui.text.times import age


def twin_line(session: Session, spec: JobSpec) -> str:
    """`same as r2, done 3m12 ago: its answers will be reused`; empty where no run has this very specification.

    `spec` with its names resolved, as runs are stored.
    """
    found = store.twin(session, spec=spec)
    if found is None:
        return ""
    (row,) = store.run_rows(session, run_ids=[found])
    if row.state == "done":
        return f"same as {row.ref}, done {age(row.ended)}: {_used_again(spec)}"
    if row.state in ACTIVE:
        return f"same as {row.ref}, which is {row.state} now"
    return f"same as {row.ref}, which is {row.state}: `leverplus resume {row.ref}` goes on with it"


def _used_again(spec: JobSpec) -> str:
    if not isinstance(spec, EvalSpec | GenerateSpec) or spec.fresh or spec.vlm in WITHOUT_MODEL:
        return "everything will be computed anew"
    if spec.vlm.startswith(("http://", "https://")) and not spec.reuse_served:
        return "the server will be asked again"
    return "its answers will be reused"
