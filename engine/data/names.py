"""Names of the official files: as published, with somebody's version or data set written into them, and nearly right ones."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from engine.data.coco import YEARS

SPLITS = ("train", "val")
ROLES = ("questions", "annotations")
KINDS = {"": "okvqa", "v2_": "vqav2"}
FOLDERS = (".", "annotations", "questions", "Annotations", "Questions")
MOST_ENTRIES = 10_000
"""Names in a folder that are looked at."""
_DECORATION = re.compile(r"v\d+(p\d+)?|\d+|ok|okvqa|vqa|vqav2|final|public")
_OF_SPLIT = {"train": re.compile(r"train|trn"), "val": re.compile(r"val|dev|test")}
_OF_ROLE = {"questions": re.compile(r"quest"), "annotations": re.compile(r"annot|answer(?!_?list)")}
_YEAR = re.compile("|".join(YEARS))
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


class Official(NamedTuple):
    """One of the four files of a data set."""

    prefix: str
    """`v2_` for VQAv2, empty for OKVQA."""
    split: str
    role: str

    @property
    def name(self) -> str:
        """As published."""
        if self.role == "questions":
            return f"{self.prefix}OpenEnded_mscoco_{self.split}2014_questions.json"
        return f"{self.prefix}mscoco_{self.split}2014_annotations.json"


ALL = tuple(Official(prefix, split, role) for prefix in KINDS for split in SPLITS for role in ROLES)


def official_files(root: Path) -> dict[Official, Path]:
    """The questions and annotations files that are in a folder: under their own names, else under decorated ones."""
    exact = {one: path for one in ALL if (path := _first(root, one.name))}
    return exact or _decorated(root)


def _first(root: Path, name: str) -> Path | None:
    return next((path for folder in FOLDERS if (path := root / folder / name).is_file()), None)


def _decorated(root: Path) -> dict[Official, Path]:
    """Files such as `OKVQA_v1.1_mscoco_val2014_annotations.json`, which differ in a version and the data set's name alone."""
    plain = {_plain(one.name): one for one in ALL if not one.prefix}
    found: dict[Official, Path] = {}
    for path in json_files(root):
        if like := plain.get(_plain(path.name)):
            found.setdefault(like._replace(prefix=_prefix_of(f"{root.name}/{path.name}")), path)
    return found


def _plain(name: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and not _DECORATION.fullmatch(word))


def _prefix_of(text: str) -> str:
    """Which data set a path speaks of; `v2` alone is VQAv2's."""
    text = re.sub(r"[^a-z0-9/]+", "", text.lower())
    return "" if "okvqa" in text or not re.search(r"v2|vqa2", text) else "v2_"


def json_files(root: Path) -> Iterator[Path]:
    """Files in the folders where official ones are looked for."""
    for folder in FOLDERS:
        for entry in sorted(_entries(root / folder)):
            if entry.endswith(".json"):
                yield root / folder / entry


def _entries(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, MOST_ENTRIES)]
    except OSError:
        return []


def renames(root: Path) -> str:
    """What to rename in a folder that nearly fits, as the end of a sentence; empty where nothing is near.

    Of a split those files whose names speak of questions and annotations, if both are there; and a folder of its images.
    """
    there, near = official_files(root), _near_files(root)
    known = {
        one.split for one in {**there, **near} if all(one._replace(role=role) in {**there, **near} for role in ROLES)
    }
    told = [f"{path.name} to {one.name}" for one, path in near.items() if one not in there and one.split in known]
    told += [f"the folder {old} to {new}" for old, new in _near_folders(root).items()]
    return _unpacked(root, there) + (f"; rename {', and '.join(told)}" if told else "")


def _unpacked(root: Path, there: Collection[Official]) -> str:
    """What to unpack: each of these files is published as an archive, COCO's images too."""
    known = {(one.split, one.role) for one in there}
    wanted = []
    for entry in sorted(_entries(root)):
        split, role = _words(entry.lower())
        if entry.lower().endswith(".zip") and split and (split, role) not in known and (role or _YEAR.search(entry)):
            wanted.append(entry)
    return f"; unpack {', '.join(wanted)} there" if wanted else ""


def _words(name: str) -> tuple[str, str]:
    """The split and the role that a name speaks of; empty where it speaks of none."""
    split = next((split for split, word in _OF_SPLIT.items() if word.search(name)), "")
    return split, next((role for role, word in _OF_ROLE.items() if word.search(name)), "")


def _near_files(root: Path) -> dict[Official, Path]:
    found: dict[Official, Path] = {}
    for path in json_files(root):
        name = path.name.lower()
        split, role = _words(name)
        one = Official(_prefix_of(f"{root.name}/{name}"), split, role)
        if split and role and path.name != one.name:
            found.setdefault(one, path)
    return found


def _near_folders(root: Path) -> dict[str, str]:
    """Folders of images with a split in their name -> the name that is looked for, where none of these is there."""
    known = {f"{split}{year}" for split in SPLITS for year in YEARS}
    folders = {entry for entry in _entries(root) if (root / entry).is_dir()}
    near: dict[str, str] = {}
    for name in sorted(folders - known):
        split = next((split for split, word in _OF_SPLIT.items() if word.search(name.lower())), "")
        images = split and any(one.lower().endswith(_IMAGE_SUFFIXES) for one in _entries(root / name)[:20])
        if images and not folders & {f"{split}{year}" for year in YEARS}:
            near.setdefault(name, f"{split}2014")
    return near
