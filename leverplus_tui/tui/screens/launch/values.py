"""What a form says: a text for every field, where it came from, and the run or the sweep that the texts make."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, get_args

from db.specs import JobSpec, UserError
from leverplus_tui.jobs.spec_command import command_of, sweep_command
from leverplus_tui.jobs.spec_options import FieldRefused, flatten, from_text, refusals, validated
from leverplus_tui.queue.following import Following
from leverplus_tui.queue.grid import Grid, combined, seeds_of
from leverplus_tui.queue.wishes import Wishes
from leverplus_tui.text.language import shown
from leverplus_tui.tui.screens.launch.several import several
from leverplus_tui.tui.widgets.spec_fields import AUTO, NAME, SEEDS, SWEPT, THEN, WAITING, Field, fields, typed

TYPED = "typed"
"""Where a text came from that was typed into the form."""


class FormValues:
    """The texts of a form for one kind of job."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.fields = {field.path: field for field in fields(kind)}
        self.texts = {path: field.default for path, field in self.fields.items()}
        self.sources: dict[str, str] = {}
        """Field -> where its text came from, where that is not the default."""
        self._begun: dict[str, tuple[str, str]] = {}
        """Field -> (text, where it came from) of what the form was opened with."""
        self._hidden: dict[str, Any] = {}

    # From outside

    def load_spec(self, spec: JobSpec, source: str) -> None:
        """Take a whole specification; parts of it that the form does not show are kept."""
        dumped = spec.model_dump(mode="json")
        leaves = dict(flatten(dumped))
        self._hidden = {name: dumped[name] for name in dumped if name != "kind" and not self._shows(name)}
        self.load({path: typed(leaves[path]) for path in self.fields if path in leaves}, source)

    def load(self, texts: Mapping[str, str], source: str) -> None:
        """Take some texts as they would be typed."""
        for path, text in texts.items():
            if path in self.fields:
                self.texts[path] = text or (AUTO if AUTO in self.fields[path].choices else text)
                self.sources[path] = source
                self._begun[path] = (self.texts[path], source)

    def put(self, path: str, text: str) -> None:
        """Take what was typed into a field."""
        before = self._begun.get(path)
        self.texts[path] = text
        self.sources[path] = before[1] if before is not None and before[0] == text else TYPED

    def _shows(self, name: str) -> bool:
        return any(path == name or path.startswith(name + ".") for path in self.fields)

    def copied(self) -> FormValues:
        """As it is now, for a thread that reads it while it is typed on."""
        copied = FormValues(self.kind)
        copied.texts, copied._hidden = dict(self.texts), self._hidden
        return copied

    # What is in a field

    def changed(self, path: str) -> bool:
        """Whether a field has another value than its default."""
        return self.texts[path] != self.fields[path].default

    def told(self, path: str) -> str:
        """Where the value of a changed field came from, and what it would be without: `r2, default 3`."""
        field, source = self.fields[path], self.sources.get(path, TYPED)
        before = self._begun.get(path)
        if source == TYPED and before is not None and before[0] != field.default:
            return shown(f"{TYPED}, {before[1]} has {before[0] or 'none'}")
        source = shown(TYPED) if source == TYPED else source
        default = shown(f", default {field.default or 'none'}")
        return source if field.required or path in (NAME, SEEDS) else f"{source}{default}"

    def refusal(self, path: str) -> str:
        """What is wrong with the text of this field by itself; empty where nothing is, or nothing is typed."""
        if path in (NAME, SEEDS) or not self.texts[path].strip():
            return ""
        if path in WAITING:
            return self._refused_wish(path)
        try:
            values = several(self.fields[path], self.texts[path])
        except FieldRefused as error:
            return str(error)
        others = {name: text for name, text in self.texts.items() if name != path}
        found = (refusals(self.kind, self._values({**others, path: value})).get(path, "") for value in values)
        return next((sentence for sentence in found if sentence), "")

    # What the texts make

    @property
    def name(self) -> str:
        """The name that was typed; empty for none."""
        return self.texts[NAME].strip()

    def axes(self) -> dict[str, list[str]]:
        """Field -> the values that are listed in it, for fields that take one; and the seeds. Raises FieldRefused."""
        found = {path: several(field, self.texts[path]) for path, field in self.fields.items() if field.in_spec}
        axes = {path: values for path, values in found.items() if len(values) > 1}
        if axes and self.kind not in SWEPT:
            raise FieldRefused(
                f"{next(iter(axes))}: {self.kind} takes one value, and is no job for sweeps", next(iter(axes))
            )
        if self._seeds:
            if "seed" in axes:
                raise FieldRefused("seeds and seed both vary the seed: empty one of them", SEEDS)
            axes["seed"] = self._all_seeds(axes)
        return {path: values for path, values in axes.items() if len(values) > 1}

    @property
    def _seeds(self) -> str:
        """The seeds as the command line takes them."""
        text = self.texts.get(SEEDS, "").strip()
        return ",".join(several(self.fields[SEEDS], text)) if text else ""

    def _all_seeds(self, axes: Mapping[str, list[str]]) -> list[str]:
        try:
            return seeds_of(self._seeds, lambda: int(getattr(self._spec(self._first(axes)), "seed", 0)))
        except FieldRefused:
            raise
        except UserError as error:
            raise FieldRefused(str(error).removeprefix("--"), SEEDS) from None

    def _first(self, axes: Mapping[str, list[str]]) -> dict[str, str]:
        return {**self.texts, **{path: values[0] for path, values in axes.items()}}

    def spec(self) -> JobSpec:
        """The specification that the texts say, of a sweep the first one. Raises FieldRefused naming the field that is wrong."""
        return self._spec(self._first(self.axes()))

    def grid(self) -> Grid | None:
        """All runs of a sweep; None where no field lists several values. Raises FieldRefused and UserError."""
        axes = self.axes()
        return combined(axes, lambda values: self._spec({**self.texts, **values})) if axes else None

    def count(self) -> int:
        """How many runs are asked for."""
        product = 1
        for values in self.axes().values():
            product *= len(values)
        return product

    def command(self) -> str:
        """The command line that does the same. Raises FieldRefused where a field is wrong."""
        axes, spec = self.axes(), self.spec()
        asked = self._asked_beside(sweeps=bool(axes))
        if not axes:
            return shlex.join([*command_of(spec), *asked])
        by_seeds = self._seeds if len(axes.get("seed", ())) > 1 and self._seeds else ""
        varied = {
            path: ["none" if value == AUTO and _may_be_none(self.fields[path]) else value for value in values]
            for path, values in axes.items()
            if not (path == "seed" and by_seeds)
        }
        return sweep_command(spec, varied, by_seeds, asked)

    # What is asked of the queue

    def wishes(self) -> Wishes:
        """When it starts, and what it may take. Raises FieldRefused."""
        texts = {path: self.texts[path] for path in Wishes.model_fields}
        return Wishes.read({path: _value(self.fields[path], text) for path, text in texts.items() if text.strip()})

    def following(self) -> list[Following]:
        """What comes after it. Raises FieldRefused."""
        try:
            found = [Following.read(words, self.kind) for words in self._then]
        except UserError as error:
            raise FieldRefused(str(error).removeprefix("--"), THEN) from None
        if found and self.axes():
            raise FieldRefused("then: runs of a sweep have none after them; empty it, or list fewer values", THEN)
        return found

    @property
    def _then(self) -> list[str]:
        return [one.strip() for one in self.texts[THEN].split(";") if one.strip()]

    def _refused_wish(self, path: str) -> str:
        try:
            self.following() if path == THEN else self.wishes()
        except FieldRefused as error:
            return str(error) if error.field == path else ""
        return ""

    def _asked_beside(self, *, sweeps: bool) -> list[str]:
        """Options for what is no part of the specification. A sweep waits in the queue anyway."""
        wishes, named = self.wishes(), ["--name", self.name] if self.name else []
        self.following()
        then = [word for one in self._then for word in ("--then", one)]
        return [*named, *(wishes.model_copy(update={"queue": False}) if sweeps else wishes).words(), *then]

    def _spec(self, texts: Mapping[str, str]) -> JobSpec:
        return validated(self.kind, self._values(texts))

    def _values(self, texts: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = dict(self._hidden)
        for path, field in self.fields.items():
            text = texts[path]
            if not field.in_spec or (field.required and not text.strip()):
                continue  # a required field that is left out is reported as missing
            target = values
            *outer, name = path.split(".")
            for part in outer:
                target = target.setdefault(part, {})
            target[name] = _value(field, text)
        return values


def _may_be_none(field: Field) -> bool:
    return type(None) in get_args(field.annotation)


def _value(field: Field, text: str) -> Any:
    if text.strip() in ("", AUTO) and _may_be_none(field):
        return None
    return text if field.annotation is str else from_text(field.annotation, text)
