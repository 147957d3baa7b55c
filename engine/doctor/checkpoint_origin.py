"""Whether a checkpoint is what its name, its neighbours and its stored configuration say: epoch, original, adapters, data."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from db.specs.base import Finding
from db.specs.selector import parameter_count
from engine.common.findings import error, info, warning
from engine.common.wording import convert_command, counted, parameters, sentence
from engine.weights.anatomy import Unreadable
from engine.weights.declared import stored_config
from engine.weights.selector_file import Opened, open_checkpoint
from engine.weights.tensor_values import differing

MOST_FOLDERS, MOST_CONFIG = 100, 1024 * 1024
FORBIDDEN_LOSS = 12.0
"""Ours, nats: three times the guess among 64 rows, and half of what published labels modulo 2 gave."""


def metadata_findings(opened: Opened) -> Iterator[Finding]:
    """Stored epoch and phase against the file's name (M27); upstream stores the epoch from 0 and names it from 1."""
    name, meta = opened.path.name, opened.anatomy.metadata
    clashes = []
    told = re.search(r"(rce|grpo)?_?epoch[=_]?(\d{1,9})", name)
    stored = meta.get("epoch")
    if told and isinstance(stored, int) and "pytorch-lightning_version" not in meta and stored + 1 != int(told[2]):
        clashes.append(f"the name says epoch {told[2]}, the file epoch {stored + 1}")
    if told and told[1] and isinstance(meta.get("phase"), str) and meta["phase"] != told[1]:
        clashes.append(f"the name says {told[1]}, the file {meta['phase']}")
    if clashes:
        text = sentence("; ".join(clashes))
        fix = "Trust the file; rename it so that results can be traced."
        yield warning("metadata-conflict", str(opened.path), text, fix)


def label_findings(opened: Opened) -> Iterator[Finding]:
    """`labels-forbidden` (warning): a validation loss, by name or metadata, that no choice among permitted rows has.

    A label that was already chosen is masked, and costs about 100 nats where other errors cost a few. Published supervision took
    train rows modulo the pool's size for labels, so that two rows of one parity gave one label twice.
    """
    told = re.search(r"(?<![a-z])val(?:_loss)?[=_]?(\d{1,4}\.\d{1,9})", opened.path.name)
    stored = opened.anatomy.metadata.get("val_loss")
    loss = float(told[1]) if told else stored if isinstance(stored, int | float) else 0.0
    if math.isfinite(loss) and loss >= FORBIDDEN_LOSS:
        text = (
            f"A validation loss of {loss:g} is none of a choice: guessing among 64 rows costs 4.16. Labels that the mask "
            f"forbids cost about 100 each, so we infer that about {loss:.0f} in 100 were such, as where labels are train rows "
            "modulo the size of the pool."
        )
        fix = "Look at the labels of its training: they must count inside each query's pool, and never repeat."
        yield warning("labels-forbidden", str(opened.path), text, fix)


def stale_findings(opened: Opened) -> Iterator[Finding]:
    """A conversion beside its original that lacks tensors of it, holds other numbers, or is older (M25)."""
    match = re.fullmatch(r"(.+)_v2format\.ckpt", opened.path.name)
    original = opened.path.with_name(f"{match[1]}.pt") if match else opened.path
    if not match or not original.is_file():
        return
    try:
        source, _ = open_checkpoint(original)
    except Unreadable:
        return
    path, again = str(opened.path), f"Convert the original: {convert_command(original)}"
    lost = [name for name in source.tensors if name not in opened.tensors]
    if lost:
        gone = parameters(parameter_count([source.shapes[name] for name in lost]), parameter_count(source.shapes))
        text = f"The conversion lacks {counted(len(lost), 'trained tensor')} of {original.name}, such as {lost[-1]}: {gone}."
        yield error("stale-conversion", path, text, again)
    elif set(opened.tensors) - set(source.tensors) or differing(opened.tensors, source.tensors):
        text = f"The conversion holds other numbers than {original.name}: it was made from another epoch."
        yield warning("stale-conversion", path, text, again)
    elif opened.path.stat().st_mtime < original.stat().st_mtime:
        text = f"The conversion is older than {original.name}, but their numbers are the same."
        yield info("stale-conversion", path, text, "Nothing to do; one of them was copied later.")


def lora_findings(opened: Opened) -> Iterator[Finding]:
    """Low-rank adapters of the encoder (M19): embeddings made without them do not fit this selector."""
    config, path = stored_config(opened.anatomy.metadata), str(opened.path)
    adapters = [name for name in opened.naming.beside if ".lora_" in name]
    side = opened.path.parent / "lora"
    told = config.get("use_lora")
    if not adapters and told is not True:
        return
    where = "a side folder lora/ is there" if side.is_dir() else "there is no side folder lora/ either"
    if adapters:
        adapt = f"{counted(len(adapters), 'tensor')} of the file {'adapts' if len(adapters) == 1 else 'adapt'} the CLIP encoder"
        held = (
            f"{adapt} (LoRA), and {where}{', although the configuration says use_lora=false' if told is False else ''}"
        )
    else:
        held = f"The stored configuration says use_lora, no lora_ tensor is in the file, and {where}"
    text = f"{held}: the adaptation is lost when only the selector is loaded, and embeddings exported without it do not fit."
    make = info if side.is_dir() and told is not False else error
    yield make("lora-mismatch", path, text, "Embed with the adapted encoder, or train without adapters.")
    yield from _ranks(opened, adapters, config.get("lora_r", config.get("lora_rank")), side)


def _ranks(opened: Opened, adapters: list[str], configured: object, side: Path) -> Iterator[Finding]:
    """The rank of the adapters in the file, in its configuration, and in the side folder."""
    tensors = opened.anatomy.tensors()
    ranks = {tensors[name].shape[0] for name in adapters if ".lora_A." in name and tensors[name].shape}
    told = {"the stored configuration": configured, "the side folder": _rank_beside(side)}
    for place, rank in told.items():
        if isinstance(rank, int) and ranks - {rank}:
            text = f"The adapters in the file have rank {min(ranks - {rank})}, {place} says r={rank}: they are not the same."
            yield error("lora-mismatch", str(opened.path), text, "Find the adapters that were trained with it.")


def _rank_beside(side: Path) -> object:
    for folder, _, _ in islice(os.walk(side), MOST_FOLDERS):
        file = Path(folder, "adapter_config.json")
        try:
            if file.is_file() and file.stat().st_size < MOST_CONFIG:
                return json.loads(file.read_bytes()).get("r")
        except (OSError, ValueError, RecursionError, AttributeError):
            continue
    return None


def vocabulary_findings(opened: Opened, train_size: int | None) -> Iterator[Finding]:
    """A v0 file is tied to one index set: the rows of its embedding less three are the train questions (M18)."""
    rows = next((t.shape[0] for n, t in opened.tensors.items() if n.endswith("wte.weight") and t.shape), None)
    if rows is not None and train_size is not None and rows - 3 != train_size:
        text = f"It was trained on an index set of {rows - 3:,} questions, the request has {train_size:,}."
        yield error("vocabulary-mismatch", str(opened.path), text, "Use the data set that it was trained on.")
