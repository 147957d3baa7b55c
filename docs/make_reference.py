"""Writes the reference pages from the code: commands.md, fields.md, filters.md, keys.md and from-upstream.md.

    python -m docs.make_reference

A test fails when a page differs from what this writes, or when a field of a filter has no sentence here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

from db.specs import SPEC_OF_KIND, DecodeSpec, PromptSpec, SelectorParts, Spec
from db.specs.selector import EARLIER, PUBLISHED
from db.store.lists.filters import run_fields
from docs.from_upstream import page
from docs.make_keys import keys
from docs.tables import table
from engine.rl.index import filters as rl
from engine.rl.index.query_rows import CLASSES
from leverplus_tui.cli import TREE
from leverplus_tui.commands.lazy import Branch, Leaf, load
from leverplus_tui.commands.running.run import COMMON
from leverplus_tui.jobs.spec_options import SpecOption, options, plain

HERE = Path(__file__).parent
NOTE = "<!-- Written by `python -m docs.make_reference`; change the code and run it again. -->\n"

COMMANDS = """# Commands

Every command has `--help` with an example, and takes `--home DIR`: where runs are kept. Without it `LEVERPLUS_HOME` counts,
then the nearest `.leverplus/` in this folder or above, then the user data folder of the platform. A run is named by `r12`,
`12`, or a name that only one run has. With `--json` a command prints one JSON document on standard output and nothing else
there.

| exit code | meaning |
|---|---|
| 0 | fine |
| 1 | the work failed, or a check found an error |
| 2 | wrong usage or unreadable input; one line says what, and what to do |
| 3 | preflight blocked the run; nothing heavy was loaded |
| 4 | the database is busy, or a newer version wrote it |
| 130 | interrupted |
"""
FIELDS = """# Fields of a specification

A run is its specification. Each field below can be given as the option, in a file (`--spec FILE.toml`), or as
`--set FIELD=VALUE`; nested fields take dots, such as `--set decode.num_beams=1`. `--set` wins over options, options win over
the file. A field that is left out has the default shown here; `required` marks the ones that have none. Unknown fields are
refused.
"""
FILTERS = """# Filters

The same words filter runs (`leverplus runs --where`, `/` in the runs view) and the queries of RL data (`/` on a page of RL
data). All terms of a filter must hold.

| write | to get |
|---|---|
| `kind:eval` | what is equal; in a text field, what contains the value |
| `name="all of it"` | an equals sign compares the whole text; quotes hold blanks together |
| `state:done,failed` | either value |
| `acc@2>60`, `n>=100`, `seed!=42` | a comparison: `>`, `>=`, `<`, `<=`, `!=` |
| `-tag:smoke` or `!tag:smoke` | the opposite |
| `baseline` | text, wherever the list looks for it |

Capitals do not matter, except in tags. A sort is a field, and `asc` or `desc` after it: `--sort "acc@2 desc"`.
"""
GRPO = """<a id="grpo"></a>

`run grpo` has the same fields. Unless they are given, `rce_epochs` is 0 and `grpo_epochs` is 10.

"""
RUN_FIELDS = {
    "name": "name of the run",
    "dataset": "data set, as it was named",
    "vlm": "vision-language model, as it was named",
    "retriever": "how demonstrations were chosen",
    "selector": "checkpoint of the selector",
    "variant": "published name of a trained selector",
    "note": "note on the run",
    "kind": "`eval`, `rce`, `grpo`, `generate`, `embed` or `import`",
    "state": "`queued`, `running`, `done`, `failed`, `stopped`, `lost`, or `stalled` (running, but silent for too long)",
    "tag": "a tag on the run",
    "finding": "code or severity of a finding on the run",
    "id": "number of the run",
    "parent": "the run that it repeats",
    "created": "when it was made; a year or a month stands for all of it",
    "age": "how long ago it was made",
    "duration": "how long its processes worked on it",
    "seed": "seed",
    "sweep": "the sweep that it belongs to",
    "progress": "share of the work that is done",
    "findings": "number of findings",
    "n": "questions of its largest subset",
    "acc@SHOTS": "accuracy at that number of shots (`acc@?`: where nobody told how many), on its largest subset",
    "last.METRIC": "last value of a training metric, such as `last.val_loss`",
    "best.METRIC": "lowest value of a loss or KL, highest value of any other metric",
    "min.METRIC": "lowest value of a metric",
    "max.METRIC": "highest value of a metric",
    "lr": "learning rate of the phase that a training is named by",
    "SETTING": "any field of [fields.md](fields.md) by its name, such as `rce_lr`, `decode.num_beams`, `parts.scorer`",
    "forced": "started although preflight found errors",
    "deleted": "deleted; without this field deleted runs are left out",
}
QUERY_FIELDS = {
    "id query": "the query's id in the file",
    "question_id": "id of its question",
    "image": "id of its image",
    "n": "candidates",
    "positive positives": "candidates that are right",
    "best": "best score of its candidates",
    "mean": "mean score",
    "worst": "worst score",
    "spread": "best minus worst score",
    "rate": "share of the scored candidates that are right, 0 to 1 or with a percent sign",
    "reward": "mean reward of its candidates",
    "pool": "size of its stored pool",
    "usable": "candidates that the official metric scored",
    "gen method": "how a candidate was made, such as `gen:beam`",
    "eval mode": "how a candidate was scored",
    "question": "text of the question",
    "answer": "a reference answer",
    "said": "an answer that the model gave",
    "class": f"right and wrong candidates: {', '.join(f'`{name}`' for name in CLASSES)}",
    "mark": f"what is odd about a candidate: {', '.join(f'`{name}`' for name in rl.MARKS)}",
    "signal": "`yes` where two candidates differ in reward, so that GRPO can learn from the group",
}


JOBS = tuple(set(SPEC_OF_KIND.values()))


def commands() -> str:
    """commands.md: usage, text, example and options of every command, in the order of `leverplus --help`."""
    parts = [NOTE, COMMANDS]
    for name, node in TREE.items():
        leaves = node.children if isinstance(node, Branch) else {"": node}
        parts += [_command(f"{name} {below}".strip(), leaf) for below, leaf in leaves.items()]
    return "\n".join(parts)


def _command(name: str, leaf: Leaf) -> str:
    command = load(name, leaf)
    kind = name.removeprefix("run ")
    shown: list[Any] = [
        one for one in command.params if one.name != "home" and (kind not in SPEC_OF_KIND or one.name in COMMON)
    ]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    usage = " ".join(
        ["leverplus", name, *(_place(one) for one in arguments), *["[OPTIONS]"] * (len(shown) > len(arguments))]
    )
    fields = f"\nThe options for its fields are in [fields.md](fields.md#{kind}).\n" if kind in SPEC_OF_KIND else ""
    rows = [(_place(one), one.help or "") for one in arguments]
    rows += [(_flag(one), one.help or "") for one in shown if one not in arguments]
    example = inspect.cleandoc((command.epilog or "").partition("Example:")[2])
    head = f"## {name}\n\n{command.help}\n{fields}\n    {usage}\n"
    return f"{head}\nExample:\n\n{_indented(example)}\n" + (f"\n{table(('option', 'meaning'), rows)}" if rows else "")


def _place(argument: Any) -> str:
    name: str = argument.metavar or argument.name.upper()
    name += "..." if argument.nargs != 1 else ""
    return name if argument.required else f"[{name}]"


def _flag(option: Any) -> str:
    names = "`, `".join([*option.opts, *option.secondary_opts])
    choices = "|".join(map(str, get_args(option.type_descriptor.annotation)))
    value = option.metavar or choices or option.name.upper()
    shown = f"`{names}`" if option.is_flag else f"`{names} {value}`"
    return f"{shown}, required" if option.required else shown


def fields() -> str:
    """fields.md: every field of every kind of job, and of the models inside them."""
    parts = [NOTE, FIELDS]
    for kind, model in SPEC_OF_KIND.items():
        if kind != "grpo":
            parts.append(_kind(kind, model))
    nested: tuple[tuple[str, type[Spec]], ...] = (
        ("prompt", PromptSpec), ("decode", DecodeSpec), ("parts", SelectorParts),
    )  # fmt: skip
    parts += [_nested(name, model) for name, model in nested]
    return "\n".join([*parts, _variants()])


def _kind(kind: str, model: type[Spec]) -> str:
    known = {option.field: option for option in options(kind)}
    rows = [
        (f"`{name}`", _option(name, known.get(name)), _default(model, name), _words(model, name))
        for name in model.model_fields
        if name != "kind"
    ]
    head = ("field", "option", "default", "meaning")
    return f"## {kind}\n\n{model.__doc__}\n\n{GRPO if kind == 'rce' else ''}{table(head, rows)}"


def _option(name: str, option: SpecOption | None) -> str:
    if option is None:
        return f"`--set {name}.FIELD=VALUE`"
    if option.kind == "flag":
        return f"`{option.flag}`, `--no-{option.flag[2:]}`"
    return f"`{option.flag} {option.metavar}`"


def _nested(name: str, model: type[Spec]) -> str:
    rows = [(f"`{name}.{field}`", _default(model, field), _words(model, field)) for field in model.model_fields]
    return f"## {name}\n\n{model.__doc__}\n\n{table(('field', 'default', 'meaning'), rows)}"


def _variants() -> str:
    """The published names as parts, which is what a name stands for."""
    named = PUBLISHED | {f"{name} (earlier)": parts for name, parts in EARLIER.items()}
    usual = SelectorParts().model_dump()
    rows = [
        (
            name,
            ", ".join(f"`{key}={plain(value)}`" for key, value in parts.model_dump().items() if value != usual[key])
            or "-",
        )
        for name, parts in named.items()
    ]
    head = ("variant", "parts that differ from the defaults above")
    return f"## variants\n\nWhat a published name stands for.\n\n{table(head, rows)}"


def _default(model: type[Spec], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Spec):
        return "below"
    if value is None or value in ("", ()):
        return "none"
    return f"`{plain(list(value) if isinstance(value, tuple) else value)}`"


def _words(model: type[Spec], name: str) -> str:
    field = model.model_fields[name]
    choices = ", ".join(f"`{value}`" for value in get_args(field.annotation) if isinstance(value, str))
    return (
        f"{field.description or ''} One of {choices}."
        if choices and not issubclass(model, JOBS)
        else field.description or ""
    )


def filters() -> str:
    """filters.md: the words of a filter, and the fields of both lists. Raises KeyError where a field has no sentence."""
    runs = [(f"`{name}`", value, RUN_FIELDS[name]) for name, value in run_fields().items()]
    queries = [(", ".join(f"`{name}`" for name in names.split()), words) for names, words in QUERY_FIELDS.items()]
    sorts = ", ".join(f"`{name}`" for name in rl.SORTS)
    return "\n".join(
        [
            NOTE, FILTERS,
            f"## Runs\n\n{table(('field', 'value', 'meaning'), runs)}",
            f"## Queries of RL data\n\n{table(('field', 'meaning'), queries)}\nThey can be sorted by {sorts}.\n",
        ]
    )  # fmt: skip


def from_upstream() -> str:
    """from-upstream.md: the names of the published scripts."""
    return NOTE + "\n" + page()


def _indented(text: str) -> str:
    return "\n".join(f"    {line.strip()}" for line in text.splitlines())


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "fields.md": fields,
    "filters.md": filters,
    "from-upstream.md": from_upstream,
    "keys.md": lambda: f"{NOTE}\n{keys()}",
}


def stale() -> Iterator[str]:
    """Pages that differ from what the code says now."""
    for name, make in PAGES.items():
        path = HERE / name
        if not path.is_file() or path.read_text(encoding="utf-8") != make():
            yield name


if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
