"""Where the COCO images of a data set are: in its folder, beside it, or under COCO_PATH, as downloaded in 2014 or in 2017."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from engine.data.sample import SplitMissing

YEARS = ("2014", "2017")
SAMPLED = 20
"""Images looked for before it is believed that a folder holds all."""


def image_names(folder: Path, split: str, image_id: int) -> tuple[str, str, str]:
    """The file names that an image may have in a folder, the likelier one first: COCO 2017 dropped the prefix."""
    names = f"COCO_{split}2014_{image_id:012d}.jpg", f"{image_id:012d}.jpg"
    other = f"COCO_{_other(split)}2014_{image_id:012d}.jpg"
    return (*names, other) if not folder.name.endswith("2017") else (names[1], names[0], other)


def image_folders(root: Path, split: str, images: Path | None = None) -> list[Path]:
    """Every folder where the images of `train` or `val` are looked for, in order; in `images` itself first. The 2017
    download deals the images of 2014 out anew, so that those of val lie in train2017 too."""
    bases = [root, root / "images", root / "coco", root.parent, root.parent / "coco"]
    environment = os.environ.get("COCO_PATH")
    if environment:
        bases.insert(0, Path(environment).expanduser())
    if images is not None:
        bases.insert(0, images)
    of_2014 = [base / inner / f"{split}2014" for base in bases for inner in ("mscoco2014", ".")]
    of_2017 = [base / inner / name for base in bases for inner in ("mscoco2017", ".") for name in _names_2017(split)]
    return list(dict.fromkeys([*([images] if images else []), *of_2014, *of_2017]))


def _names_2017(split: str) -> tuple[str, str]:
    return f"{split}2017", f"{_other(split)}2017"


def _other(split: str) -> str:
    return "val" if split == "train" else "train"


class CocoImages:
    """The images of one split, wherever they lie. One that is nowhere has the path where it is missed."""

    def __init__(
        self, root: Path, split: str, image_ids: Sequence[int], *, images: Path | None = None, one_place: bool = True
    ) -> None:
        """`image_ids` tell the folder: a few of them are looked for, in `images` first. With `one_place` a folder that holds
        them all is taken to hold the rest; without it those of the other split of 2014 are looked through as well.

        Raises SplitMissing naming the folders where it was looked for, where there is none.
        """
        places = image_folders(root, split, images)
        if not one_place:
            places += image_folders(root, _other(split))
        self._split = split
        self._folders = [folder for folder in places if folder.is_dir()]
        if not self._folders:
            looked = ", ".join(str(folder) for folder in places if folder.name.endswith(YEARS[0]))
            raise SplitMissing(
                f"no folder with the {split}2014 images: looked for {looked}, and for {' and '.join(_names_2017(split))} "
                "in the same places; put them there, give --images FOLDER, or set COCO_PATH"
            )
        sample = image_ids[:: max(1, len(image_ids) // SAMPLED)]
        held = {place: sum((place[0] / self._name(place, one)).is_file() for one in sample) for place in self._places()}
        self._likely = max(held, key=held.__getitem__)  # the first of equals
        self._holds_all = one_place and held[self._likely] == len(sample)
        self._listed = cache(_listing)

    def path(self, image_id: int) -> Path:
        """The file of an image."""
        if not self._holds_all:
            for place in (self._likely, *self._places()):
                name = self._name(place, image_id)
                if name in self._listed(place[0]):
                    return place[0] / name
        return self._likely[0] / self._name(self._likely, image_id)

    def _places(self) -> list[tuple[Path, int]]:
        """Folders, each with the kinds of names that its images may have."""
        return [(folder, kind) for folder in self._folders for kind in range(3)]

    def _name(self, place: tuple[Path, int], image_id: int) -> str:
        folder, kind = place
        return image_names(folder, self._split, image_id)[kind]


def _listing(folder: Path) -> frozenset[str]:
    return frozenset(os.listdir(folder))
