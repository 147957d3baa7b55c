"""What stands around a table: of which questions, model, sampler and day its figures are, where its columns do not say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from engine.figures.tables.grid import Document, Table
from engine.figures.tables.patterns import DATE, FULL_TEXT, SAMPLER, VLM
from engine.figures.tables.words import dataset_in, date_in, label, name_in, number, shot_in, size_in

COMPARING = re.compile(r"对比|相比|比较|(?<![a-z])(?:vs\.?|versus|compar\w+)(?![a-z])", re.IGNORECASE)
MODEL_KEYS = re.compile(r"推理模型|(?:inference )?(?:vlm|lvlm)|(?:base|inference )?model|模型", re.IGNORECASE)
SURE_MODEL_KEYS = re.compile(r"推理模型|vlm|lvlm|inference model", re.IGNORECASE)
SIZE_KEYS = re.compile(
    r"(?:测试)?(?:数据量|样本数|样本量|题数)|(?:test|eval(?:uation)?) (?:samples?|size|questions?)|test_data_num",
    re.IGNORECASE,
)
DATE_KEYS = re.compile(r"(?:测试|实验)?日期|(?:test )?date", re.IGNORECASE)
DATASET_KEYS = re.compile(r"(?:测试)?数据集|data ?set|benchmark", re.IGNORECASE)
SAMPLER_KEYS = re.compile(r"(?:采样|检索)器|sampler|retriever", re.IGNORECASE)
CHECKPOINT_KEYS = re.compile(r"检查点|checkpoint|ckpt", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Context:
    """What is said above a table, or of the whole file."""

    label: str
    n: int | None
    """0 where the figures are said to be over all questions."""
    shot: int | None
    date: str
    dataset: str
    vlm: str
    sampler: str
    checkpoint: str
    year: str
    percent: bool


def context_of(document: Document, table: Table) -> Context:
    """The nearest words count: those above the table, its headings from the inside out, then the settings of the file."""
    title = f"{document.title}\n{document.name}"
    dated = [*table.around, document.title, document.name, *document.settings.values()]
    year = next((found[1] for text in dated if (found := DATE.search(text))), "")
    nearest = table.around[:2]
    own = [text for text in table.around[:-1] if not COMPARING.search(text)]
    return Context(
        label=next((named for text in (table.heading, document.title, document.name) if (named := label(text))), document.name),
        n=_size(document, table),
        shot=next((shots for text in nearest if (shots := shot_in(text)) is not None and shots <= 32), None),
        date=_first(date_in(text, year) for text in (*own, _setting(document, DATE_KEYS), document.title, document.name)),
        dataset=_first(dataset_in(t) for t in (*table.around, _setting(document, DATASET_KEYS), title))
        or _setting(document, DATASET_KEYS)[:60]
        or _only(dataset_in(text) for text in document.settings.values()),
        vlm=_first(name_in(VLM, text) for text in (*table.around, _setting(document, MODEL_KEYS), title))
        or _setting(document, SURE_MODEL_KEYS)[:60],
        sampler=_first(name_in(SAMPLER, text) for text in (*table.around, _setting(document, SAMPLER_KEYS), title)),
        checkpoint=_setting(document, CHECKPOINT_KEYS)[:200],
        year=year,
        percent=any(re.search(r"percent|百分|%\)", text) for text in nearest),
    )  # fmt: skip


def _size(document: Document, table: Table) -> int | None:
    for text in table.around:
        if found := size_in(text):
            return found
        if FULL_TEXT.search(text):
            return 0
    told = _setting(document, SIZE_KEYS)
    if found := size_in(told) or _leading(told):
        return found
    return size_in(document.name)


def _leading(text: str) -> int | None:
    found = number(text.split()[0]) if text.split() else None
    return (
        int(found.value)
        if found and not (found.signed or found.percent or found.decimals) and found.value >= 1
        else None
    )


def _setting(document: Document, key: re.Pattern[str]) -> str:
    return next((value for name, value in document.settings.items() if key.fullmatch(name)), "")


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _only(texts: Iterable[str]) -> str:
    found = {text for text in texts if text}
    return found.pop() if len(found) == 1 else ""
