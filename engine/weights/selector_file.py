"""A selector checkpoint as far as it can be understood: container, names, which selector, and what is said beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.specs.base import Finding
from db.specs.selector import PUBLISHED, Shape, expected_tensors, parameter_count
from engine.common.findings import error, warning
from engine.common.wording import parameters, sentence
from engine.weights.anatomy import Anatomy, TensorInfo
from engine.weights.containers import open_weights
from engine.weights.declared import declared_by_config, manifest_beside, manifest_of, stored_config, told
from engine.weights.layouts import CONTAINERS, Coverage, Naming, Problem, compare, legacy_name, read_names
from engine.weights.pickle_reader import MAX_OPERATIONS
from engine.weights.pickle_scan import UNSEEN
from engine.weights.recognition import Recognised, declared_in, declared_variant, expected_of, recognise
from engine.weights.tensor_values import differing

COPY_AGAIN = "Copy the file again and compare sizes."
DO_NOT_LOAD = "Do not load it with torch.load; ask its author for the weights as safetensors."
CONVERT_BY_HAND = "Find the conversion that wrote the file and run it again from the original checkpoint."
TABLES = ("embedding", "pool")
"""Fields of a manifest that hold fields."""
RECOGNITION_FIX = {
    "head-missing": "Go back to the checkpoint before conversion; without the head, results are those of a random head.",
    "variant-mismatch": "Trust the tensors: ask for what they are, or give the checkpoint that was meant.",
    "hyperparameter-mismatch": "The shapes are right; correct the configuration.",
    "unverifiable": "Say which it is with --expect variant=... or convert it with a manifest.",
    "family-mismatch": "Give the checkpoint of the family that was asked for.",
    "metadata-conflict": "Correct what is declared beside the tensors, or go back to the checkpoint before conversion.",
}


@dataclass(frozen=True)
class Opened:
    """A checkpoint as far as it could be understood."""

    path: Path
    anatomy: Anatomy
    tensors: Mapping[str, TensorInfo]
    """The selector's own tensors under their modern names."""
    naming: Naming
    found: Recognised | None
    declared: Mapping[str, Any]

    @property
    def shapes(self) -> dict[str, Shape]:
        """Modern name -> shape."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}

    @property
    def shapes_as_named(self) -> dict[str, Shape]:
        """The names as they stand in the file, less known prefixes: what a loader that renames nothing would see."""
        old = set(self.naming.legacy)
        named = {(legacy_name(n) if self.naming.own[n] in old else n): t for n, t in self.tensors.items()}
        return {name: tensor.shape for name, tensor in named.items()}


def open_checkpoint(path: Path) -> tuple[Opened, list[Finding]]:
    """Read and recognise a checkpoint; findings are what is wrong with the container and the names. Raises Unreadable."""
    anatomy = open_weights(path)
    tensors = anatomy.tensors()
    findings = [*_problems(anatomy), *unsafe_pickle(path, anatomy.unsafe_globals), *_container(anatomy, tensors)]
    naming = read_names(tensors)
    own = {modern: tensors[stored] for modern, stored in naming.own.items()}
    declared, unclear = _declared(anatomy)
    renamed = {naming.foreign.get(name, name): tensor.shape for name, tensor in own.items()}
    found = recognise(renamed, declared) if own else None
    if isinstance(found, tuple):
        code, text = found
        findings.append(error(code, str(path), sentence(text), "Give a checkpoint of a pointer selector."))
        found = None
    opened = Opened(path, anatomy, own, naming, found, declared)
    findings += [error(code, str(path), sentence(text), RECOGNITION_FIX[code]) for code, text in unclear]
    return opened, [*findings, *_names(opened), *_recognised(opened)]


def _problems(anatomy: Anatomy) -> Iterator[Finding]:
    """One finding for each kind of damage: a cut through a file hits many tensors."""
    for code in dict.fromkeys(code for code, _ in anatomy.problems):
        first, *more = [text for of, text in anatomy.problems if of == code]
        others = f"; {len(more):,} more like it" if more else ""
        fix = COPY_AGAIN if code == "truncated" else DO_NOT_LOAD
        yield error(code, str(anatomy.path), sentence(f"{first}{others}"), fix)


def unsafe_pickle(path: Path, names: Sequence[str]) -> Iterator[Finding]:
    """What loading the file the usual way would run (`unsafe-pickle`); nothing where it would run nothing."""
    named = [name for name in names if name != UNSEEN]
    if named:
        more = f" and {len(named) - 4:,} more" if len(named) > 4 else ""
        text = f"Loading it the usual way would run code by name: {', '.join(named[:4])}{more}; nothing of it was executed."
        yield error("unsafe-pickle", str(path), text, DO_NOT_LOAD)
    if UNSEEN in names:
        text = (
            f"It asks for more than the {MAX_OPERATIONS:,} operations that are looked at, so what loading it would run is not "
            "known; no honest checkpoint asks for so many."
        )
        yield error("unsafe-pickle", str(path), text, DO_NOT_LOAD)


def _container(anatomy: Anatomy, tensors: Mapping[str, TensorInfo]) -> Iterator[Finding]:
    """No weights at all, or two containers that disagree (M26)."""
    path, present = str(anatomy.path), [name for name in CONTAINERS if anatomy.containers.get(name)]
    if not tensors and not anatomy.problems:
        parts = dict.fromkeys(anatomy.containers, "") | anatomy.metadata
        others = ", ".join(_held(name, value) for name, value in list(parts.items())[:6]) or "nothing"
        text = f"Neither model_state_dict nor state_dict nor bare tensors are in it; it holds {others}."
        yield error("not-a-checkpoint", path, text, "Give the file with the weights.")
    yield from _second(anatomy)
    if len(present) > 1:
        first, second = (_own(anatomy.containers[name]) for name in present[:2])
        names = set(first) ^ set(second) or set(differing(first, second))
        if names:
            text = (
                f"It holds {' and '.join(present)} with different tensors, such as {min(names)}; only {present[0]} would be "
                "read."
            )
            yield error("not-a-checkpoint", path, text, "Keep the container that is meant.")


def _second(anatomy: Anatomy) -> Iterator[Finding]:
    """Another complete set of weights (`second-weights`), such as averages kept beside the raw ones: which was taken?"""
    for name in anatomy.second_sets():
        text = (
            f"It holds two complete sets of weights: {anatomy.taken} was taken, {name} was not; averaged weights (EMA) often "
            "answer better than raw ones."
        )
        fix = f"Save the set that is meant alone: {name.rstrip('.')} as state_dict, if it is that one."
        yield warning("second-weights", str(anatomy.path), text, fix)


def _held(name: str, value: Any) -> str:
    """The name of what a file holds, with the class of a whole model."""
    return f"{name} ({value[1:-1]})" if isinstance(value, str) and value.startswith("<a whole Module") else name


def _own(tensors: Mapping[str, TensorInfo]) -> dict[str, TensorInfo]:
    return {modern: tensors[stored] for modern, stored in read_names(tensors).own.items()}


def _declared(anatomy: Anatomy) -> tuple[dict[str, Any], list[Problem]]:
    """What is said in the file and beside it: upstream's metadata, a stored configuration, our manifest; the last wins."""
    manifest = manifest_of(anatomy) or manifest_beside(anatomy.path)
    problems = [
        ("metadata-conflict", f"the manifest's field {name} is {repr(manifest[name])[:40]}, not a table of fields")
        for name in (*TABLES, "parts", "sizes")
        if not isinstance(manifest.get(name) or {}, dict)
    ]
    config = declared_by_config(stored_config(anatomy.metadata))
    return config | _tables(declared_in(anatomy.metadata)) | _tables(told(manifest)), problems


def _tables(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in declared.items() if name not in TABLES or isinstance(value, dict)}


def _names(opened: Opened) -> Iterator[Finding]:
    """Why the names cannot be trusted, and how much that concerns."""
    shapes, naming = opened.shapes, opened.naming
    for code, text in naming.problems:
        if code == "prefix-mismatch":
            expected = expected_of(opened.found) if opened.found else dict(shapes)
            cover = compare({n: s for n, s in shapes.items() if n not in naming.foreign}, expected)
            lost = f"{parameters(cover.parameters - cover.parameters_matched, cover.parameters)} would stay random"
        else:
            concerned = parameter_count([shapes[name] for name in dict.fromkeys(naming.doubtful)])
            lost = f"{parameters(concerned, parameter_count(shapes))} are in doubt"
        yield error(code, str(opened.path), sentence(f"{text}: {lost}"), CONVERT_BY_HAND)


def _recognised(opened: Opened) -> Iterator[Finding]:
    """Where the tensors are not those that are declared, and what that leaves random."""
    for code, text in opened.found.problems if opened.found else ():
        make = warning if code in ("hyperparameter-mismatch", "unverifiable") else error
        if opened.found and code in ("head-missing", "variant-mismatch", "family-mismatch"):
            lacks = _cover_of_declared(opened.found, opened.shapes, opened.declared).sentence()
            text = f"{text}, so that {lacks}" if lacks else text
        if code in ("hyperparameter-mismatch", "metadata-conflict"):
            text = f"the field {text}"  # which is not to be written with a capital
        yield make(code, str(opened.path), sentence(text), RECOGNITION_FIX.get(code, ""))


def _cover_of_declared(found: Recognised, shapes: Mapping[str, Shape], declared: Mapping[str, Any]) -> Coverage:
    """How far a file fills what it says it is: the declared variant, or its own parts with those that it says were trained."""
    variant, sizes = declared_variant(declared), found.sizes
    said = {"use_gru": ("state_update", "gru"), "use_step_emb": ("step_embedding", True)}
    extra = dict(part for key, part in said.items() if declared.get(key) is True)
    parts = PUBLISHED[variant] if variant else found.parts.model_copy(update=extra)
    return compare(shapes, expected_tensors(parts, sizes.d_model, sizes.hidden_dim, sizes.num_layers, sizes.shots))
