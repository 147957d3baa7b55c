"""The model that answers in a recipe: opened as the specification says, with the facts that its answers are keyed by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from db.rows import Fact
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from engine.vlm.opening import is_server, open_vlm
from engine.vlm.protocol import VLM, Served

SERVER = "server"
"""Name of the fact."""


def open_answering_model(spec: EvalSpec | GenerateSpec, cache_dir: Path, *, quick: bool = True) -> VLM:
    """The model that `spec` names, with its decoding. `quick`: see `engine.vlm.opening.open_vlm`. Raises UserError."""
    return open_vlm(
        spec.vlm,
        decode=spec.decode,
        prompt=spec.prompt,
        dtype=spec.dtype,
        device=spec.device,
        batch_size=spec.batch_size,
        engine=spec.engine,
        prefill=spec.prefill,
        served_model=spec.served_model,
        concurrency=spec.concurrency,
        cache_dir=cache_dir,
        quick=quick,
    )


def takes_answers_of_other_runs(spec: EvalSpec | GenerateSpec) -> bool:
    """A server's weights cannot be seen, so what it told another run is taken only where that was asked for."""
    return not spec.fresh and (spec.reuse_served or not is_server(spec.vlm))


def server_facts(vlm: VLM) -> Iterator[Fact]:
    """Who answers, where that is a server: the run goes on only with the same one."""
    if isinstance(vlm, Served):
        yield Fact(SERVER, vlm.fingerprint())


def model_facts(vlm: VLM) -> dict[str, Any]:
    """What is stored of the model as it is now."""
    return {**vlm.facts(), "vlm_sha": vlm.sha, "decode_sha": vlm.decode_sha}


def changed_facts(before: Mapping[str, Any], vlm: VLM) -> Iterator[Fact]:
    """Facts that are no longer what they were: the batch may have been halved for want of memory."""
    for name, value in vlm.facts().items():
        if before.get(name) != value:
            yield Fact(name, value)
