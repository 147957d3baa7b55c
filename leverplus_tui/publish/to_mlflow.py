"""MLflow: one run in an experiment, known again by a tag; nothing is asked of the machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from db.specs import UserError
from leverplus_tui.publish.content import Outcome, Place, Published

T = TypeVar("T")
STATUS = {"done": "FINISHED", "failed": "FAILED", "lost": "FAILED", "stopped": "KILLED"}
LONGEST = 5_000
"""Characters of a tag or parameter."""
MOST = 100
"""Of parameters and tags in one call; of metrics ten times as many."""
WHOLE = "leverplus.complete"


def publish(run: Published, place: Place) -> Outcome:
    """Log the run, or say that it is there. One that broke off half-way is begun anew."""
    import mlflow  # an extra, and a second

    client = mlflow.MlflowClient(tracking_uri=place.at)
    experiment = _experiment(client, place)
    where = f"{place.at}, experiment {place.project}"
    for found in client.search_runs([experiment], f"tags.`leverplus.uid` = '{run.uid}'"):
        tags = found.data.tags
        if WHOLE in tags and tags.get("leverplus.content") == run.sha:
            return Outcome(f"{where}, run {found.info.run_id}", already=True)
        if WHOLE in tags and not place.replace:
            raise UserError(
                f"{where} holds {run.ref} as it was published before it changed (run {found.info.run_id}): --replace moves that "
                "to MLflow's trash and publishes it anew"
            )
        client.delete_run(found.info.run_id)
    tags = {"mlflow.runName": run.name, **run.identity}
    made = client.create_run(experiment, start_time=_ms(run.started), tags=tags, run_name=run.name)
    _log(client, made.info.run_id, run)
    return Outcome(f"{where}, run {made.info.run_id}")


def _experiment(client: Any, place: Place) -> str:
    found = client.get_experiment_by_name(place.project)
    if found is not None:
        return str(found.experiment_id)
    _, local, path = place.at.partition("sqlite:///")
    files = (Path("/" + path.lstrip("/")).parent / "mlflow-artifacts").as_uri() if local else None
    return str(client.create_experiment(place.project, artifact_location=files))


def _log(client: Any, run_id: str, run: Published) -> None:
    from mlflow.entities import Metric, Param, RunTag

    time = _ms(run.started)
    params = [Param(name, str(value)[:LONGEST]) for name, value in run.params.items()]
    points = [Metric(point.name, point.value, time, point.step) for point in run.points]
    points += [Metric(name, value, time, 0) for name, value in run.figures.items()]
    told = {f"leverplus.finding.{code.replace('#', '.')}": text for code, text in run.remarks.items()}
    told |= {f"leverplus.tag.{tag}": "" for tag in run.tags}
    told |= {"mlflow.note.content": run.note} if run.note else {}
    tags = [RunTag(name, text[:LONGEST]) for name, text in told.items()]
    for some in _parts(params, MOST):
        client.log_batch(run_id, params=some)
    for some_points in _parts(points, 10 * MOST):
        client.log_batch(run_id, metrics=some_points)
    for some_tags in _parts(tags, MOST):
        client.log_batch(run_id, tags=some_tags)
    _files(client, run_id, run)
    client.set_tag(run_id, WHOLE, "yes")
    if run.state in STATUS:
        client.set_terminated(run_id, STATUS[run.state], _ms(run.ended))


def _files(client: Any, run_id: str, run: Published) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in run.files.items():
            (Path(folder) / name).write_bytes(content)
        client.log_artifacts(run_id, folder)


def _parts(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest: Iterable[T] = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _ms(time: Any) -> int:
    return int(time.timestamp() * 1000)
