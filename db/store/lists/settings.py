"""Settings and metrics of runs as values: what a list shows in a column of its own, filters and sorts by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from db import specs
from db.connection import Session
from db.store.base import listed, query

_METRIC = re.compile(r"(last|min|max|best)\.(\w+)")
_COLUMN = {"last": "value", "min": "lowest", "max": "highest"}
SMALLER_IS_BETTER = ("loss", "kl", "entropy", "perplexity", "ratio")
"""Last words of metrics that are best where they are lowest."""
LEARNING_RATE = (
    "CASE run.kind WHEN 'grpo' THEN json_extract(run.spec, '$.grpo_lr') ELSE json_extract(run.spec, '$.rce_lr') END"
)
"""`lr`: the learning rate of the phase that a training is named by."""


def smaller_is_better(metric: str) -> bool:
    """Whether a metric is best where it is lowest, by the last word of its name."""
    return metric.rsplit("_", 1)[-1] in SMALLER_IS_BETTER


def metric_sql(field: str) -> str | None:
    """The value of `last.`, `min.`, `max.` or `best.` and the name of a metric for table `run`; None for other fields."""
    if (match := _METRIC.fullmatch(field)) is None:
        return None
    which, name = match.groups()
    if which == "best":
        which = "min" if smaller_is_better(name) else "max"
    return (
        f"(SELECT {_COLUMN[which]} FROM metric_last WHERE run_id = run.id AND name = '{name}' ORDER BY id DESC LIMIT 1)"
    )


@cache
def setting_fields() -> tuple[str, ...]:
    """Every field of every specification, nested ones with dots, and `lr`."""
    found = dict.fromkeys(path for model in dict.fromkeys(specs.SPEC_OF_KIND.values()) for path in _paths(model, ""))
    return (*found, "lr")


def _paths(model: type[specs.Spec], before: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        inner = next(
            (one for one in _types(info.annotation) if isinstance(one, type) and issubclass(one, specs.Spec)), None
        )
        if inner is not None:
            yield from _paths(inner, f"{before}{name}.")
        else:
            yield before + name


def _types(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _types(get_args(annotation)[0])
    elif get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        for one in get_args(annotation):
            yield from _types(one)
    else:
        yield annotation


def setting_sql(field: str) -> str | None:
    """The stored value of a setting for table `run`; None for a field that no specification has."""
    if field == "lr":
        return f"({LEARNING_RATE})"
    return f"json_extract({_spec_with(field)}, '$.{field}')" if field in setting_fields() else None


def _spec_with(field: str) -> str:
    """The stored specification; where it is too old to have the field, with its default."""
    if field not in specs.LATER_FIELDS:
        return "run.spec"
    models = {kind: model for kind, model in specs.SPEC_OF_KIND.items() if field in model.model_fields}
    default = json.dumps(next(iter(models.values())).model_fields[field].default).replace("'", "''")
    kinds = ", ".join(f"'{kind}'" for kind in models)
    lacks = f"run.kind IN ({kinds}) AND json_type(run.spec, '$.{field}') IS NULL"
    return f"CASE WHEN {lacks} THEN json_set(run.spec, '$.{field}', json('{default}')) ELSE run.spec END"


def setting_value_sql(field: str) -> str | None:
    """As a column shows it: `yes` and `no` for what is stored as true and false."""
    if (stored := setting_sql(field)) is None or field == "lr":
        return stored
    kind = f"json_type({_spec_with(field)}, '$.{field}')"
    return f"CASE {kind} WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' ELSE {stored} END"


def metric_names(session: Session) -> list[str]:
    """Names of all metrics that runs wrote."""
    return [row["name"] for row in query(session, "SELECT DISTINCT name FROM metric_last ORDER BY name")]


def varying_settings(session: Session, *, run_ids: Sequence[int]) -> list[str]:
    """Settings that are not the same in all of these runs that have them, in the order of the specifications."""
    sql = "SELECT spec FROM run WHERE id IN (SELECT value FROM json_each(:ids))"
    found = [specs.whole_spec(json.loads(row["spec"])) for row in query(session, sql, {"ids": listed(run_ids)})]
    return [field for field in setting_fields() if len({_shown(_at(spec, field)) for spec in found} - {""}) > 1]


def _at(spec: Any, field: str) -> Any:
    for name in field.split("."):
        spec = spec.get(name) if isinstance(spec, dict) else None
    return spec


def _shown(value: Any) -> str:
    return "" if value is None else json.dumps(value)
