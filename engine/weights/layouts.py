"""What the names in a selector checkpoint mean (prefixes, legacy names, containers), and how they cover a selector.

Pure logic over names and shapes, without torch, so that the loader, the converter and the doctor cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from db.specs.selector import (
    DIVERSITIES,
    EARLIER,
    PUBLISHED,
    SCORERS,
    STATE_UPDATES,
    Shape,
    expected_tensors,
    parameter_count,
)
from engine.common.wording import counted, parameters
from engine.weights.averages import AVERAGES, WRAPPERS

PREFIXES = tuple(f"{name}." for name in (*WRAPPERS, *AVERAGES))
"""Wrappers around a selector; any chain of them is stripped."""
INSIDE = tuple(f".{name}." for name in WRAPPERS if name.startswith("_"))
"""What frameworks also put around parts of a model, in the middle of names."""
BESIDE = ("sen_model.", "img_model.", "sen_adapter.", "img_adapter.")
"""Modules that upstream's adapter keeps beside the selector: CLIP and its adapters."""
LEGACY = {"cross_attn.": "cross_attn_layers.0.", "attn_norm.": "attn_norms.0."}
"""Names of the single-layer code of 2025-11, which most of upstream's converters still write."""
FIRST_WORDS = frozenset(
    [
        *(
            name.split(".")[0]
            for parts in (*PUBLISHED.values(), *EARLIER.values())
            for name in expected_tensors(parts, 2, 1)
        ),
        *(word for table in (STATE_UPDATES, SCORERS, DIVERSITIES) for form in table.values() for word in form.words),
        *(old.removesuffix(".") for old in LEGACY),
    ]
)
"""What the name of a selector's tensor can start with."""
CORE = ("query_proj.weight", "query_proj.0.weight")
"""What every selector has, with attention or with towers."""
CONTAINERS = ("model_state_dict", "state_dict", "")
"""Where the tensors of a file are, the first that there is."""

Problem = tuple[str, str]
"""(finding code, sentence)"""


@dataclass(frozen=True)
class Naming:
    """How the names of a file map to those of a selector."""

    own: Mapping[str, str]
    """Selector name -> name in the file."""
    beside: tuple[str, ...] = ()
    """Names in the file that belong to the encoder beside the selector."""
    prefix: str = ""
    """What was stripped from the selector's names (the longest, where they differ)."""
    legacy: tuple[str, ...] = ()
    """Names in the file that have the single-layer form."""
    problems: tuple[Problem, ...] = ()
    """Why the names cannot be trusted."""
    doubtful: tuple[str, ...] = ()
    """Keys of `own` that the problems are about."""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """Keys of `own` that stand under a prefix that is not known -> what they would be without it."""


def read_names(names: Iterable[str]) -> Naming:
    """Strip known prefixes, tell the selector's tensors from the encoder's, and bring legacy names to the list form."""
    split = [(name, *split_prefix(name)) for name in names]
    adapter = any("pointer_selector." in prefix for _, prefix, _ in split)
    mine = [item for item in split if ("pointer_selector." in item[1] if adapter else not item[2].startswith(BESIDE))]
    own: dict[str, str] = {}
    twice: list[str] = []
    for name, _, bare in mine:
        current = modern_name(bare)
        if current in own and not bare.startswith(tuple(LEGACY)):
            twice.append(current)
        own.setdefault(current, name)
    legacy = tuple(name for name, _, bare in mine if bare.startswith(tuple(LEGACY)))
    kept = {name for name, _, _ in mine}
    beside = tuple(name for name, _, _ in split if name not in kept)
    prefix = max((prefix for _, prefix, _ in mine), key=len, default="")
    unknown, foreign = _unknown_prefix(own)
    mixed = _mixed([bare for _, _, bare in mine])
    layer_0 = [name for name in own if legacy_name(name) != name] if mixed else []
    problems = (*mixed, *_twice(twice), *_prefix_problem(unknown, len(foreign), len(own)))
    return Naming(own, beside, prefix, legacy, problems, (*layer_0, *twice, *foreign), foreign)


def split_prefix(name: str) -> tuple[str, str]:
    """(known prefixes, the rest): `lever_lm.pointer_selector.x` is (`lever_lm.pointer_selector.`, `x`)."""
    rest = name
    while rest.startswith(PREFIXES):
        rest = rest[rest.index(".") + 1 :]
    return name[: len(name) - len(rest)], rest


def modern_name(bare: str) -> str:
    """A name without prefix in the list form, and without wrappers inside it."""
    for wrapper in INSIDE:
        bare = bare.replace(wrapper, ".")
    for old, new in LEGACY.items():
        if bare.startswith(old):
            return new + bare.removeprefix(old)
    return bare


def legacy_name(bare: str) -> str:
    """The opposite of `modern_name`, for layer 0; other names stay."""
    for old, new in LEGACY.items():
        if bare.startswith(new):
            return old + bare.removeprefix(new)
    return bare


def _mixed(bare: list[str]) -> tuple[Problem, ...]:
    old = sorted(name for name in bare if name.startswith(tuple(LEGACY)))
    new = sorted(name for name in bare if name.startswith(("cross_attn_layers.", "attn_norms.")))
    if not (old and new):
        return ()
    text = f"single-layer names ({_listed(tuple(old), 1)}) stand beside list names ({new[0]}); it is not clear"
    return (("mixed-keys", f"{text} which is layer 0"),)


def _twice(names: list[str]) -> tuple[Problem, ...]:
    if not names:
        return ()
    return (
        (
            "mixed-keys",
            f"{_listed(tuple(names), 1)} {'occurs' if len(names) == 1 else 'occur'} twice, under different prefixes",
        ),
    )


def _unknown_prefix(own: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The one prefix under which all or some names of a selector stand, and those names with what they are without it.

    Other networks have a `query_proj` in each of their layers, so under many prefixes.
    """
    found = {name: at for name in own if (at := _place_of_selector(name))}
    bare = {name: name[at:] for name, at in found.items()}
    prefixes = {name[:at] for name, at in found.items()}
    if len(prefixes) != 1 or not any(core in own or core in bare.values() for core in CORE):
        return "", {}
    return prefixes.pop(), {name: modern_name(rest) for name, rest in bare.items()}


def _place_of_selector(name: str) -> int:
    """Where in a name the selector's part begins; 0 if at its start or nowhere."""
    words = name.split(".")
    return next((len(".".join(words[:i])) + (i > 0) for i, word in enumerate(words) if word in FIRST_WORDS), 0)


def _prefix_problem(prefix: str, there: int, names: int) -> tuple[Problem, ...]:
    if not prefix:
        return ()
    some = "the names start" if there == names else f"{there} of {names} names start"
    return (("prefix-mismatch", f"{some} with {prefix!r}, a prefix that is not known"),)


@dataclass(frozen=True)
class Coverage:
    """The tensors of a file against those of a selector, by names and by parameters."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: Mapping[str, tuple[Shape, Shape]]
    """Name -> (shape in the file, shape expected)."""
    parameters: int
    """Parameters of the selector."""
    parameters_matched: int
    """Of those, how many the file would fill."""

    @property
    def parameters_random(self) -> float:
        """Share (0..1) of the selector's parameters that would stay random."""
        return 1 - self.parameters_matched / self.parameters if self.parameters else 0.0

    @property
    def complete(self) -> bool:
        """Nothing missing, nothing left over, every shape right."""
        return not (self.missing or self.unexpected or self.misshapen)

    def sentence(self) -> str:
        """What does not fit, with numbers; empty when everything does."""
        clauses = []
        if self.missing:
            lost = parameters(self.parameters - self.parameters_matched, self.parameters)
            verb = "is" if len(self.missing) == 1 else "are"
            clauses.append(f"{lost} would stay random: {_listed(self.missing)} {verb} missing")
        if self.unexpected:
            clauses.append(f"{counted(len(self.unexpected), 'tensor')} would be ignored: {_listed(self.unexpected)}")
        for name, (found, wanted) in list(self.misshapen.items())[:2]:
            clauses.append(f"{name} has the shape {list(found)}, not {list(wanted)}")
        return "; ".join(clauses)


def _listed(names: tuple[str, ...], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def compare(shapes: Mapping[str, Shape], expected: Mapping[str, Shape]) -> Coverage:
    """Compare the selector's own tensors in a file (names as `read_names` leaves them) with those expected."""
    misshapen = {n: (tuple(shapes[n]), s) for n, s in expected.items() if n in shapes and tuple(shapes[n]) != s}
    matched = tuple(name for name in expected if name in shapes and name not in misshapen)
    return Coverage(
        matched=matched,
        missing=tuple(name for name in expected if name not in shapes),
        unexpected=tuple(name for name in shapes if name not in expected),
        misshapen=misshapen,
        parameters=parameter_count(expected),
        parameters_matched=sum(prod(expected[name]) for name in matched),
    )
