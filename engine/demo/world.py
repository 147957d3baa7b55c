"""The built-in data set: synthetic questions about drawn pictures, written in the official OKVQA layout.

The training split is what demonstrations are chosen from, the validation split is what is asked. No image is shared.
What a speaker is asked to name in validation, the training split shows only as the other speaker names it: no training
question is the twin of a validation question whose answer could be copied, so that a choice must be learned. Within the
training split such twins share their picture, as several questions do in VQA: `exclude_same_image` keeps them apart.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from db.specs import UserError
from engine.common.files.atomic import new_folder
from engine.demo.language import NAMED, Conventions, Kind, Question, draw_words
from engine.demo.scene import VALUES, Attribute, Scene, draw, encode, random_scene
from engine.demo.shipped import BUILTIN, SYNTHETIC_NOTE, WORLDS

MARKER = "world.json"
GENERATOR = WORLDS[BUILTIN]  # raise it whenever the files written for one seed change
WITH_TWINS = 2
"""The generator that drew the scenes of both splits alike, so that validation questions had twins in train."""
SPLIT_SIZES = {"train": 1000, "val": 500}
KIND_SHARES: dict[Kind, float] = {"plain": 0.20, "habit": 0.30, "word": 0.22, "pair": 0.28}
WORDED: tuple[Kind, ...] = ("word", "pair")
"""Kinds of question about a speaker's words."""
QUESTION_TYPES: dict[Kind, str] = {"plain": "one", "habit": "two", "word": "three", "pair": "four"}
HABITS: dict[str, Attribute] = {"Ada": "shape", "Bo": "place"}
_FIRST_IMAGE = {"train": 100_001, "val": 500_001}


@dataclass(frozen=True)
class Entry:
    """One question of the data set with its ids and ten reference answers (five annotators, each counted twice)."""

    question: Question
    image_id: int
    question_id: int
    answers: tuple[str, ...]


def ensure_world(cache_dir: Path, name: str = BUILTIN) -> Path:
    """The folder of a built-in data set (`WORLDS`) under `cache_dir`, drawn now if this is the first use (about a second)."""
    generator = WORLDS[name]
    identity = json.dumps(world_identity(generator=generator), sort_keys=True).encode()
    directory = cache_dir / f"builtin-world-{hashlib.sha256(identity).hexdigest()[:12]}"
    write_world(directory, generator=generator)
    return directory


def world_identity(seed: int = 0, generator: int = GENERATOR) -> dict[str, object]:
    """What determines the files: written into the marker, hashed into the folder name."""
    return {"synthetic": True, "note": SYNTHETIC_NOTE, "generator": generator, "seed": seed, "sizes": SPLIT_SIZES}


def world_conventions(seed: int = 0) -> Conventions:
    """The habits and dictionaries that hold throughout the data set."""
    return Conventions(HABITS, draw_words(tuple(HABITS), random.Random(f"words {seed}")))


def world_entries(split: str, seed: int = 0, generator: int = GENERATOR) -> list[Entry]:
    """The questions of one split ("train" or "val"), sorted by question_id."""
    rng = random.Random(f"{split} {seed}")
    conventions = world_conventions(seed)
    questions = [_draw_question(rng, split, generator) for _ in range(SPLIT_SIZES[split])]
    album: dict[tuple[str, str, str], tuple[int, Scene]] = {}
    entries = []
    for row, question in enumerate(questions, start=_FIRST_IMAGE[split]):
        image_id = row
        if split == "train" and generator != WITH_TWINS and question.kind in WORDED:
            image_id, scene = album.setdefault(_named(question), (row, question.scene))
            question = replace(question, scene=scene)
        entries.append(Entry(question, image_id, row * 10, reference_answers(question, conventions)))
    return entries


def write_world(directory: Path, seed: int = 0, generator: int = GENERATOR) -> None:
    """Write the data set into `directory`; does nothing if it is already there, leaves nothing half-written.

    `generator` may be `WITH_TWINS`, which writes the world of earlier versions byte for byte.
    Raises UserError if the folder holds something else.
    """
    if (directory / MARKER).is_file():
        return
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UserError(f"{directory} holds something other than the built-in world: name an empty or a new folder.")
    try:
        with new_folder(directory) as draft:
            _write_files(draft, seed, generator)
    except OSError:
        if not (directory / MARKER).is_file():  # else another process was faster, and wrote the same bytes
            raise


def _draw_question(rng: random.Random, split: str, generator: int) -> Question:
    kind = rng.choices(list(KIND_SHARES), list(KIND_SHARES.values()))[0]
    question = _draw_of_kind(rng, kind)
    while generator != WITH_TWINS and kind in WORDED and _held_out(question) != (split == "val"):
        question = _draw_of_kind(rng, kind)
    return question


def _named(question: Question) -> tuple[str, str, str]:
    """Who names which colour and shape: twins have it in common."""
    return question.speaker, question.scene.colour, question.scene.shape


def _held_out(question: Question) -> bool:
    """Whether only validation asks what this speaker calls this scene: a third of each speaker's scenes."""
    speaker, colour, shape = _named(question)
    place = tuple(HABITS).index(speaker) + VALUES["colour"].index(colour) + VALUES["shape"].index(shape)
    return place % 3 == 0


def _draw_of_kind(rng: random.Random, kind: Kind) -> Question:
    scene = random_scene(rng)
    if kind == "plain":
        return Question(kind, scene, (rng.choice(list(VALUES)),))
    if kind == "habit":
        return Question(kind, scene, speaker=rng.choice(tuple(HABITS)))
    attributes = NAMED if kind == "pair" else (rng.choice(NAMED),)
    return Question(kind, scene, attributes, rng.choice(tuple(HABITS)))


def reference_answers(question: Question, conventions: Conventions) -> tuple[str, ...]:
    """Ten answers in pairs: five annotators agree, except that a pair of words is half known to two of them.

    By the official metric a full pair scores 1.0, a half-translated one 0.6, plain English 0.
    """
    whole = conventions.answer(question)
    if question.kind != "pair":
        return (whole,) * 10
    first, second = (" ".join(conventions.parts(question, frozenset(), frozenset({key}))) for key in question.word_keys)
    return (whole,) * 6 + (first,) * 2 + (second,) * 2


def _write_files(directory: Path, seed: int, generator: int) -> None:
    for split in SPLIT_SIZES:
        entries = world_entries(split, seed, generator)
        header = _header(split, generator)
        _write_json(directory / f"OpenEnded_mscoco_{split}2014_questions.json", _questions_file(header, entries))
        _write_json(directory / f"mscoco_{split}2014_annotations.json", _annotations_file(header, entries))
        folder = directory / "mscoco2014" / f"{split}2014"
        folder.mkdir(parents=True)
        for image_id, picture in _pictures(split, entries, seed):
            (folder / f"COCO_{split}2014_{image_id:012d}.jpg").write_bytes(picture)
    _write_json(directory / MARKER, world_identity(seed, generator))


def _pictures(split: str, entries: list[Entry], seed: int) -> Iterator[tuple[int, bytes]]:
    rng = random.Random(f"{split} pictures {seed}")
    scenes = {entry.image_id: entry.question.scene for entry in entries}
    for image_id, scene in scenes.items():
        yield image_id, encode(draw(scene, rng))


def _header(split: str, generator: int) -> dict[str, object]:
    return {
        "info": {"description": SYNTHETIC_NOTE, "version": str(generator), "contributor": "leverplus"},
        "license": {"name": "Apache-2.0"},
        "data_type": "mscoco",
        "data_subtype": f"{split}2014",
    }


def _questions_file(header: dict[str, object], entries: list[Entry]) -> dict[str, object]:
    rows = [
        {"image_id": entry.image_id, "question": entry.question.text, "question_id": entry.question_id}
        for entry in entries
    ]
    return {**header, "task_type": "Open-Ended", "questions": rows}


def _annotations_file(header: dict[str, object], entries: list[Entry]) -> dict[str, object]:
    types = {number: kind for kind, number in QUESTION_TYPES.items()}
    return {**header, "question_types": types, "annotations": [_annotation(entry) for entry in entries]}


def _annotation(entry: Entry) -> dict[str, object]:
    answers = [
        {"answer_id": number, "raw_answer": answer, "answer": answer, "answer_confidence": "yes"}
        for number, answer in enumerate(entry.answers, start=1)
    ]
    return {
        "image_id": entry.image_id,
        "question_id": entry.question_id,
        "question_type": QUESTION_TYPES[entry.question.kind],
        "answer_type": "other",
        "confidence": 3,
        "answers": answers,
    }


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
