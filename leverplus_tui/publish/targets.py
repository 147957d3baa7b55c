"""The places that runs are published to: what each needs installed, and where it is when nobody says."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Literal

from db import store
from db.home import Home
from db.session import Session
from db.specs import UserError
from leverplus_tui.publish.content import Outcome, Place, Published, published, runs_of_selector
from leverplus_tui.publish.selector_file import carried
from leverplus_tui.report.privacy import Shown

Target = Literal["mlflow", "wandb", "tensorboard", "trackio", "hub-folder"]
LIBRARY = {"hub-folder": "huggingface_hub"}
EXTRA = {"hub-folder": "hub"}


def installed(to: str) -> None:
    """Raises UserError where the library of a place is missing."""
    name = LIBRARY.get(to, to)
    if importlib.util.find_spec(name) is None:
        extra = EXTRA.get(to, to)
        raise UserError(f"--to {to} needs the library {name}, which is not installed: pip install 'leverplus[{extra}]'")


def place_of(to: Target, out: str, home: Home, *, make: bool = True) -> str:
    """Where to publish: what was given, what the tracker's own variable says, else a folder of the home, which `make` makes."""
    folder = home.root / "exports"
    if to == "mlflow":
        given = out or os.environ.get("MLFLOW_TRACKING_URI", "")
        if "://" in given:
            return given
        chosen = Path(given).expanduser().absolute() if given else folder / "mlflow"
        if make:
            chosen.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{chosen / 'mlflow.db'}"
    own = os.environ.get("TRACKIO_DIR", "") if to == "trackio" else ""
    asked = out or own
    return str(Path(asked).expanduser().absolute() if asked else folder / to)


def publish(session: Session, run_id: int, to: Target, place: Place, shown: Shown) -> tuple[Published, Outcome]:
    """Publish one run; a folder for the hub states the figures of all its selector's evaluations."""
    run = published(session, run_id, shown)
    module = importlib.import_module(f"leverplus_tui.publish.to_{to.replace('-', '_')}")
    if to != "hub-folder":
        return run, module.publish(run, place)
    detail = store.run_detail(session, run_id=run_id)
    if detail.row.kind == "eval":
        path = Path(str(detail.facts.get("selector") or ""))
        chose = detail.row.retriever == "selector" and path.is_file()
        run = run.with_files(carried(path, shown)) if chose else run
        return run, module.publish(run, place, (run,))
    ids = runs_of_selector(session, [row.path for row in detail.checkpoints])
    return run, module.publish(run, place, tuple(published(session, one, shown) for one in ids))
