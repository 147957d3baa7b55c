"""What is checked before anything heavy is loaded: the files of a request, against each other and against the request.

The parts: `machine` (data set, models, device), `selector` (a checkpoint), `evaluation`, `training`, `overlap`, `questions`,
`server` (what one cannot do).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from db.specs.base import Finding, Spec
from db.specs.embed import EmbedSpec
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from db.specs.train import TrainSpec
from engine.common.findings import error
from engine.doctor.preflight import evaluation, idle, machine, questions, server, training
from engine.doctor.preflight.table import Check, Preflight

__all__ = ["Check", "Preflight", "preflight"]

Looks = Callable[[Any, Preflight], None]


def preflight(spec: Spec, tell: Callable[[Finding], None] | None = None, *, on: str = "") -> Preflight:
    """Check a job's specification. Reads headers and RL data; loads no model and no torch. Never raises for a bad file.

    `tell` hears each finding when it is made, before slower checks go on. `on`: another place, as `--on` names it.
    """
    result = Preflight(tell=tell, on=on)
    if on:
        result.add("place", "this machine", on)
    for what, look in CHECKS.get(type(spec), {}).items():
        try:
            look(spec, result)
        except Exception as failure:  # a file that a reader does not survive must be named, not end the program
            result.add(what, "unreadable", "-", _unjudged(what, failure))
    return result


def _unjudged(what: str, failure: Exception) -> Finding:
    reason = " ".join(str(failure).split())[:200]
    return error(
        str(getattr(failure, "code", "unreadable")),
        what,
        f"The {what} could not be judged ({type(failure).__name__}{': ' if reason else ''}{reason}).",
        "Look at the file with `leverplus doctor FILE`; a sound one that is not understood here is worth a report.",
    )


_ANSWERING: dict[str, Looks] = {
    "data set": machine.dataset,
    "model": machine.model,
    "device": machine.device,
    "prefill": machine.prefill,
    "encoder": evaluation.encoder,
    "prompt": evaluation.prompt,
    "fields": idle.fields,
}
CHECKS: dict[type[Spec], dict[str, Looks]] = {
    EvalSpec: _ANSWERING
    | {
        "selector": evaluation.selector,
        "questions": evaluation.questions,
        "images": questions.asked,
        "server": server.abilities,
    },
    GenerateSpec: _ANSWERING | {"selector": evaluation.proposer, "images": questions.asked, "server": server.abilities},
    EmbedSpec: {
        "data set": machine.dataset,
        "model": machine.embedded_model,
        "device": machine.device,
        "encoder": machine.embedding,
        "images": questions.asked,
    },
    TrainSpec: {
        "device": machine.device,
        "schedule": training.schedule,
        "dropout": training.dropout,
        "fields": idle.fields,
        "checkpoint": training.start,
        "embeddings": training.embeddings,
        "RL data": training.rl_data,
    },
}
"""Kind of job -> what is looked at, cheapest first."""
