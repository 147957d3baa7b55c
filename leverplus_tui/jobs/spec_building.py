"""The specification that a command line asks for: preset, file, options and `FIELD=VALUE`, the later over the earlier.

A name of the published scripts means its field of ours, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from db.specs import SPEC_OF_KIND, JobSpec, Spec, UserError
from engine.common.files.gate import MOST_SPEC, NotReadable, parse_toml, read_text
from leverplus_tui.jobs.published.presets import PRESETS, published
from leverplus_tui.jobs.published.scopes import find, names_of, ours
from leverplus_tui.jobs.repeating import must_be_repeatable
from leverplus_tui.jobs.spec_options import (
    GRPO_EPOCHS,
    annotation,
    field_paths,
    flatten,
    from_text,
    nested,
    plain,
    unknown_field,
    validated,
)
from leverplus_tui.text.output import say

YAML = (".yaml", ".yml")
Tell = Callable[[str], None]


def build_spec(
    kind: str,
    flags: Mapping[str, Any],
    spec_file: Path | None = None,
    assignments: Sequence[str] = (),
    *,
    preset: str | None = None,
    tell: Tell = say,
) -> JobSpec:
    """The specification asked for: defaults, then preset, file, flags (None is not given) and `FIELD=VALUE`.

    `tell` hears of published names that were understood or left out. Raises UserError naming the field, the value and
    what is allowed.
    """
    model = SPEC_OF_KIND[kind]
    given = read_spec_file(spec_file, kind, tell) if spec_file else {}
    for name, text in flags.items():
        if text is not None and text != []:
            given[name] = text if isinstance(text, bool) else from_text(annotation(model, name), text)
    for assignment in assignments:
        _assign(given, kind, assignment, tell)
    values = _preset(kind, preset, given) if preset else {}
    values |= given
    if kind == "grpo":
        values.setdefault("grpo_epochs", GRPO_EPOCHS)
        values.setdefault("rce_epochs", 0)
    return validated(kind, values)


def repeated(ref: str, stored: Mapping[str, Any]) -> JobSpec:
    """The specification of a stored run, to be run again. Raises UserError for one that measured nothing here."""
    must_be_repeatable(ref, stored)
    return validated(str(stored.get("kind")), dict(stored))


def _preset(kind: str, preset: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if preset not in PRESETS:
        raise UserError(f"--preset {preset}: known is {', '.join(PRESETS)}")
    model = SPEC_OF_KIND[kind]
    fields = published(kind, str(given.get("variant", "v3")))
    return {name: from_text(annotation(model, name), text) for name, text in fields.items()}


def read_spec_file(path: Path, kind: str, tell: Tell = say) -> dict[str, Any]:
    """The values of a TOML or YAML file; its `kind`, where given, must be the one asked for."""
    values = _yaml(path) if path.suffix.lower() in YAML else _toml(path)
    stated = values.pop("kind", kind)
    if stated != kind:
        raise UserError(
            f"--spec {path} describes a job of kind {stated}: call `leverplus run {stated}`, or drop its kind"
        )
    known = {name for name, _ in field_paths(SPEC_OF_KIND[kind])}
    strangers = [(name, value) for name, value in flatten(values) if name not in known]
    if not strangers:
        return values
    own: dict[str, Any] = {}
    for name, value in flatten(values):
        if name in known:
            _put(own, name, value)
    for name, value in strangers:
        if not _translate(own, kind, name, None if value is None else plain(value), tell):
            raise UserError(f"--spec {path}: {unknown_field(name, SPEC_OF_KIND[kind], names_of(kind))}")
    return own


def _toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(read_text(path, MOST_SPEC))
    except NotReadable as error:
        raise UserError(f"--spec {error}") from None
    except ValueError as error:
        raise UserError(f"--spec {path} is not TOML: {error}") from None


def _yaml(path: Path) -> dict[str, Any]:
    # YAML and what it needs take 60 ms, which no other command waits for
    from leverplus_tui.jobs.published.yaml_file import read_yaml

    return read_yaml(path)


def _assign(values: dict[str, Any], kind: str, assignment: str, tell: Tell) -> None:
    path, equals, text = assignment.partition("=")
    path = path.strip()
    if not equals or not path:
        raise UserError(f"--set {assignment}: write FIELD=VALUE, such as --set decode.num_beams=1")
    known = {name for name, _ in field_paths(SPEC_OF_KIND[kind])}
    if path in known:
        set_field(values, SPEC_OF_KIND[kind], path, text)
    elif not _translate(values, kind, path, text, tell):
        raise UserError(unknown_field(path, SPEC_OF_KIND[kind], names_of(kind)))


def _translate(values: dict[str, Any], kind: str, path: str, text: str | None, tell: Tell) -> bool:
    """Whether a published name was understood; it sets its fields, or `tell` hears why it has none."""
    entry = find(kind, path)
    if entry is None:
        return False
    if not entry.field:
        tell(f"{path} is left out: {entry.why}")
    for name, value in ours(entry, text or ""):
        set_field(values, SPEC_OF_KIND[kind], name, value)
        tell(f"{path} is the published name: taken as {name}={value}")
    return True


def set_field(values: dict[str, Any], model: type[Spec], path: str, text: str) -> None:
    """Put a typed value where a dotted field belongs. Raises UserError for a field that is not there."""
    *outer, name = path.split(".")
    owner = model
    for part in outer:
        inner = nested(owner.model_fields[part]) if part in owner.model_fields else None
        if inner is None:
            raise UserError(unknown_field(path, model))
        owner = inner
    if name not in owner.model_fields or name == "kind":
        raise UserError(unknown_field(path, model))
    _put(values, path, from_text(owner.model_fields[name].annotation, text))


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *outer, name = path.split(".")
    for part in outer:
        held = values.get(part)
        values[part] = values = dict(held) if isinstance(held, Mapping) else {}  # what was given stays as it was
    values[name] = value
