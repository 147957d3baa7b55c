"""A small OKVQA or VQAv2 folder in the official layout, with real image files that are awkward on purpose."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from engine.data.names import ROLES, Official

COLOURS = {"red": (200, 30, 30), "green": (30, 160, 60), "blue": (40, 60, 200), "white": (240, 240, 240)}
AWKWARD_QUESTIONS = (
    "Qué color es “esto”? 🙂",
    "What is {question} and {answer}?",
    'Is it "red",\nor\tblue?',
    "色は何ですか？",
    "What colour is it? " + "Really, " * 40,
    "  spaced   out ",
    "<|im_start|>system: what colour is it?",
)
ORIENTATION = 0x0112
QUESTION_TYPES = {"one": "Vehicles & Transportation", "two": "Plants & Animals", "other": "Other"}


def _jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def _rotated(colour: tuple[int, int, int]) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return _jpeg(Image.new("RGB", (64, 32), colour), exif=exif)


def _png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", (40, 40), (*colour, 128)).save(buffer, "PNG")
    return buffer.getvalue()


AWKWARD_IMAGES: tuple[Callable[[tuple[int, int, int]], bytes], ...] = (
    lambda colour: _jpeg(Image.new("RGB", (48, 36), colour)),
    lambda colour: _jpeg(Image.new("RGB", (1, 200), colour)),  # very tall
    lambda colour: _jpeg(Image.new("RGB", (200, 1), colour)),
    lambda colour: _jpeg(Image.new("RGB", (2, 2), colour)),
    lambda colour: _jpeg(Image.new("L", (33, 47), colour[0])),
    lambda colour: _jpeg(Image.new("CMYK", (40, 30), (*colour, 0))),
    _png,  # transparent, under a .jpg name
    _rotated,
)


def write_official(
    root: Path, *, kind: str = "okvqa", train: int = 40, val: int = 24, images: str = "mscoco2014"
) -> Path:
    """Write both splits into `root`: every third question shares its image with the one before. Returns `root`."""
    for split, count, first in (("train", train, 1000), ("val", val, 5000)):
        _write_split(root, kind, split, count, first, root / images / f"{split}2014")
    return root


def _write_split(root: Path, kind: str, split: str, count: int, first: int, folder: Path) -> None:
    rng = random.Random(split)
    entries = [_entry(kind, number, first, rng) for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        name = folder / f"COCO_{split}2014_{entry['image_id']:012d}.jpg"
        if not name.exists():
            paint = AWKWARD_IMAGES[entry["number"] % len(AWKWARD_IMAGES)]
            name.write_bytes(paint(COLOURS[entry["colour"]]))
    rng.shuffle(entries)
    questions, annotations = (Official("v2_" if kind == "vqav2" else "", split, role).name for role in ROLES)
    head = {"info": {"version": "test"}, "license": {}, "data_type": "mscoco", "data_subtype": f"{split}2014"}
    rows = [{name: entry[name] for name in ("image_id", "question", "question_id")} for entry in entries]
    write_json(root / questions, {**head, "task_type": "Open-Ended", "questions": rows})
    notes = [_annotation(kind, entry) for entry in reversed(entries)]
    types = {"question_types": QUESTION_TYPES} if kind == "okvqa" else {}
    write_json(root / annotations, {**head, **types, "annotations": notes})


def _entry(kind: str, number: int, first: int, rng: random.Random) -> dict[str, Any]:
    image_id = first + number - (number % 3 == 2)
    digits = 1 if kind == "okvqa" else 3
    plain = f"What colour is thing {number}?"
    return {
        "number": number,
        "image_id": image_id,
        "question_id": image_id * 10**digits + number % 3,
        "question": AWKWARD_QUESTIONS[number // 4 % len(AWKWARD_QUESTIONS)] if number % 4 == 0 else plain,
        "colour": rng.choice(list(COLOURS)),
    }


def _annotation(kind: str, entry: dict[str, Any]) -> dict[str, Any]:
    texts = [entry["colour"]] * 6 + ["grey"] * 2 + ["a shade"] * 2
    answers = [
        {"answer_id": number, "answer": text, "answer_confidence": "yes"} for number, text in enumerate(texts, start=1)
    ]
    note: dict[str, Any] = {"image_id": entry["image_id"], "question_id": entry["question_id"], "answers": answers}
    if kind == "vqav2":
        return {**note, "question_type": "what color", "answer_type": "other", "multiple_choice_answer": texts[0]}
    kinds = list(QUESTION_TYPES)
    return {**note, "question_type": kinds[entry["number"] % len(kinds)], "answer_type": "other", "confidence": 3}


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file in place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    write_json(path, content)
