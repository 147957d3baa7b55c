"""How long a job will take on this machine, by what `leverplus bench` measured of its model. Free of torch.

A question with S shot counts up to n demonstrations takes S queries and, where growing shots begin alike, n demonstrations.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from db.specs.base import UserError, canonical_json, sha256_text
from db.specs.evaluate import WITHOUT_MODEL, EvalSpec
from db.specs.generate import GenerateSpec
from engine.common.files.atomic import write_text
from engine.common.files.gate import NotReadable, read_json
from engine.common.models.fingerprint import file_key
from engine.common.models.model_files import find_model, weight_files
from engine.demo.shipped import BUILTIN, model_dir

FILE = "paces.json"
SUFFIXES = ("i2i", "i2t", "t2t", "qi2qi", "mmices")
"""Retrievers that put the most similar last: growing shots do not begin alike."""

Answering = EvalSpec | GenerateSpec


@dataclass(frozen=True)
class Pace:
    """What a model took on this machine."""

    engine: str
    """`packed` or `plain`."""
    device: str
    """As it was asked for."""
    card: str
    """What it was."""
    start_s: float
    """Until the first answer can be asked for."""
    query_s: float
    """A prompt without demonstrations."""
    demonstration_s: float
    """Each demonstration more, its image among it."""
    measured: str
    """When (ISO 8601)."""
    questions: Mapping[str, int] = field(default_factory=dict)
    """Questions of each split of the data set that it was measured on."""
    dataset: str = ""
    answers: int = 0
    """That it was measured over."""


@dataclass(frozen=True)
class Estimate:
    """How long a job takes."""

    seconds: float
    """Of the job; of 1,000 questions where nobody knows how many there are."""
    questions: int | None
    """Questions asked; None where unknown."""
    prompts: int
    """Prompts of each question, at most."""
    pace: Pace


def remember(spec: Answering, cache_dir: Path, pace: Pace) -> None:
    """Keeps a pace for the model of `spec`, in place of an older one. Raises UserError where the model is not here."""
    known = _all(cache_dir)
    write_text(cache_dir / FILE, json.dumps({**known, _key(spec, pace.engine): asdict(pace)}, indent=1))


def estimate(spec: object, cache_dir: Path) -> Estimate | None:
    """How long the job takes; None where its model was not measured here."""
    if not isinstance(spec, Answering) or spec.vlm in WITHOUT_MODEL or "://" in spec.vlm:
        return None
    pace = _known(spec, cache_dir)
    if pace is None:
        return None
    if isinstance(spec, EvalSpec):
        shots = tuple(dict.fromkeys(spec.shots))
        apart = pace.engine == "plain" or (spec.most_similar_last and spec.retriever in SUFFIXES)
        prompts, shown = len(shots), sum(shots) if apart else max(shots)
        known = pace.questions.get(spec.split) if pace.dataset == spec.dataset else None
        asked = max(spec.first) if spec.first else spec.limit
        questions = min(asked, known) if asked and known else asked or known
    else:
        pairs = spec.pool_size * (spec.pool_size - 1)
        methods = spec.random + spec.retrieved + spec.beams + len(spec.temperatures) * spec.samples_per_temperature
        prompts = pairs if spec.all_pairs else spec.max_candidates if spec.adaptive else methods + spec.info_beams
        shown, questions = prompts * spec.shots, min(spec.queries, spec.end_idx or spec.queries) - spec.start_idx
        if spec.info_beams:
            steps = [spec.pool_size, *[spec.info_beams * (spec.pool_size - 1)] * (spec.shots - 1)]
            prompts += 1 + sum(steps)
            shown += sum(asked * number for number, asked in enumerate(steps, start=1))
    each = prompts * pace.query_s + shown * pace.demonstration_s
    return Estimate(pace.start_s + each * (questions or 1000), questions, prompts, pace)


def _known(spec: Answering, cache_dir: Path) -> Pace | None:
    engines = ("plain",) if spec.engine == "plain" or spec.decode.do_sample else ("packed", "plain")
    known = _all(cache_dir)
    try:
        found = [known[key] for key in (_key(spec, engine) for engine in engines) if key in known]
        return msgspec.convert(found[0], Pace) if found else None
    except (UserError, OSError, msgspec.ValidationError):
        return None  # preflight says what is wrong with the model


def _key(spec: Answering, engine: str) -> str:
    """Machine, device, weights, precision and pixels; what else an answer depends on hardly changes its time."""
    directory = find_model(str(model_dir()) if spec.vlm == BUILTIN else spec.vlm)
    weights = [file_key(path) for path in weight_files(directory)]
    caps = [spec.prompt.min_pixels, spec.prompt.max_pixels]
    return sha256_text(canonical_json([socket.gethostname(), spec.device, weights, spec.dtype, caps, engine]))


def _all(cache_dir: Path) -> dict[str, object]:
    try:
        known = read_json(cache_dir / FILE)
    except NotReadable:
        return {}  # nothing was measured yet, or the cache is broken
    return known if isinstance(known, dict) else {}
