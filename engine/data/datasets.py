"""Opening a data set by name or folder: the built-in world, or one of the layouts in the table LAYOUTS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from db.specs.base import UserError
from engine.common.files.gate import is_folder, is_there
from engine.data import huggingface, names, official
from engine.data.huggingface import SUFFIXES
from engine.data.official import open_official
from engine.data.sample import Dataset, Sample, Split
from engine.demo.shipped import WORLDS

__all__ = ["LAYOUTS", "Dataset", "Layout", "Sample", "Split", "is_dataset", "open_dataset"]


class Layout(NamedTuple):
    """One way in which questions, answers and images lie in a folder."""

    holds: Callable[[Path], bool]
    """Whether a path has this layout, by names of files; nothing is read."""
    open: Callable[[Path, Path, Path | None], Dataset]
    """(path, folder for unpacked images, where else images lie) -> the data set; raises UserError where it is incomplete or
    malformed."""
    sought: Callable[[Path], str]
    """What `holds` looks for in a folder, in words, for the refusal of a folder that has no layout."""


LAYOUTS: dict[str, Layout] = {
    "official": Layout(
        official.is_official, lambda root, _, images: open_official(root, images=images), official.sought
    ),
    "huggingface": Layout(
        lambda root: bool(huggingface.find_files(root)), huggingface.open_huggingface, huggingface.sought
    ),
}
"""Name -> layout; the first that holds a path opens it."""


def is_dataset(root: Path) -> bool:
    """Whether a path has a known layout, by names of files."""
    return any(layout.holds(root) for layout in LAYOUTS.values())


def open_dataset(path_or_name: str | Path, *, cache_dir: Path, images: str = "") -> Dataset:
    """The data set `builtin` (or another of `WORLDS`), or the one in a folder. Images stay unopened; embedded ones are written
    to `cache_dir`.

    `images`: a folder where they are looked for first.

    Raises UserError, one sentence, for a folder that is wrong, incomplete or malformed.
    """
    if str(path_or_name) in WORLDS:
        # 50 ms (Pillow) that other data sets do not need
        from engine.demo.world import ensure_world

        return open_official(ensure_world(cache_dir, str(path_or_name)), name=str(path_or_name))
    root = Path(path_or_name).expanduser()
    if not is_there(root):
        raise UserError(
            f"no data set at {root.absolute()}: give `builtin`, a registered name, or a folder with OKVQA, VQAv2 "
            "or Hugging Face files"
        )
    root, elsewhere = root.resolve(), images_folder(images)
    layout = next((layout for layout in LAYOUTS.values() if layout.holds(root)), None)
    if layout is None:
        raise UserError(_unknown(root))
    found = layout.open(root, cache_dir, elsewhere)
    return _completed(found, root, cache_dir, elsewhere) if layout is LAYOUTS["official"] else found


def _completed(found: Dataset, root: Path, cache_dir: Path, images: Path | None) -> Dataset:
    """With a split in rows where it is not there as published: LAVIS keeps OKVQA's train questions so, beside its val."""
    known, beside = set(official.data_files(root)), dict[str, list[Path]]()
    for path in names.json_files(root):
        split = huggingface.split_name(path, root)
        side = "train" if split in huggingface.TRAIN_NAMES else "val"
        if split and path not in known and not found.has(side):
            beside.setdefault(split, []).append(path)
    if not beside:
        return found
    try:
        return found.completed(huggingface.open_files(root, beside, cache_dir, images))
    except UserError:  # other files, such as results: the split is missing as before
        return found


def images_folder(images: str) -> Path | None:
    """The folder of images that was named; none where none was. Raises UserError where it is no folder."""
    folder = Path(images).expanduser()
    if images and not is_folder(folder):
        raise UserError(f"images = {images}: there is no such folder; give the one that holds the images")
    return folder.resolve() if images else None


def _unknown(root: Path) -> str:
    if root.is_file():
        return (
            f"{root} is no data set: give a folder, or a {', '.join(SUFFIXES)} file named after its split (train, val)"
        )
    looked = ", and for ".join(one.sought(root) for one in LAYOUTS.values())
    return f"{root} holds no data set: looked for {looked}{names.renames(root)}"
