"""Weights & Biases, offline: a folder that `wandb sync` uploads, with the run's own id, so that it is there once."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

from db.specs import UserError
from leverplus_tui.publish.content import Outcome, Place, Published

MARK = "leverplus.content"
"""File beside the run, written last."""
STEP = "step"
"""A metric that curves are drawn over: phases count their steps anew, which W&B's own counter forbids."""


def publish(run: Published, place: Place) -> Outcome:
    """Write the folder, or say that it is there."""
    import wandb  # an extra, and a second

    run_id = run.uid.replace("-", "")[:16]
    folder = Path(place.at)
    for known in sorted((folder / "wandb").glob(f"offline-run-*-{run_id}")):
        content = known / MARK
        if content.exists() and content.read_text() == run.sha:
            return Outcome(str(known), already=True)
        if content.exists() and not place.replace:
            raise UserError(
                f"{known} holds {run.ref} as it was published before it changed: --replace writes it anew; where it was synced, "
                "delete that run of the server first"
            )
        shutil.rmtree(known)
    folder.mkdir(parents=True, exist_ok=True)
    settings = wandb.Settings(
        mode="offline", console="off", disable_git=True, disable_code=True, disable_job_creation=True, save_code=False, silent=True,
        x_disable_meta=True, x_disable_machine_info=True, x_disable_stats=True, x_save_requirements=False,
        host="", email="", username="", program="leverplus", root_dir=str(folder),
    )  # fmt: skip
    made = wandb.init(
        project=place.project, id=run_id, name=run.name, dir=str(folder), config={**run.params, **run.identity},
        tags=list(run.tags), notes=_notes(run), job_type=run.kind, settings=settings, resume="never",
    )  # fmt: skip
    written = Path(made.dir).parent
    try:
        _log(made, run)
        for name, file in run.files.items():
            (Path(made.dir) / name).write_bytes(file)
            made.save(str(Path(made.dir) / name), base_path=made.dir, policy="end")
    except BaseException:
        made.finish(exit_code=1)
        raise
    made.finish(exit_code=0 if run.state == "done" else 1)
    shutil.rmtree(written / "logs", ignore_errors=True)  # W&B's own, which name the machine's folders
    (written / MARK).write_text(run.sha)
    return Outcome(str(written))


def _log(made: object, run: Published) -> None:
    run_of: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for point in run.points:
        run_of[point.name.split("/")[0]][point.step][point.name] = point.value
        run_of[point.name.split("/")[0]][point.step]["epoch"] = point.epoch
    for name in dict.fromkeys(point.name for point in run.points):
        made.define_metric(name, step_metric=STEP)  # type: ignore[attr-defined]  # wandb is an extra
    for steps in run_of.values():
        for step, values in steps.items():
            made.log({**values, STEP: step})  # type: ignore[attr-defined]
    made.summary.update({**run.figures, "findings": run.remarks})  # type: ignore[attr-defined]


def _notes(run: Published) -> str:
    told = [f"- {code}: {text}" for code, text in run.remarks.items()]
    return "\n".join([run.note, *told]).strip()
