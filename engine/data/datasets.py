"""Opening a data set by name or folder: the built-in world, or one of the layouts in the table LAYOUTS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from db.specs.base import UserError
from engine.common.gate import is_folder, is_there
from engine.data import huggingface, official
from engine.data.huggingface import SUFFIXES
from engine.data.names import renames
from engine.data.official import open_official
from engine.data.sample import Dataset, Sample, Split

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
    """The data set `builtin`, or the one in a folder. Images stay unopened; embedded ones are written to `cache_dir`.

    `images`: a folder where they are looked for first.

    Raises UserError, one sentence, for a folder that is wrong, incomplete or malformed.
    """
    if str(path_or_name) == "builtin":
        # 50 ms (Pillow) that other data sets do not need
        from engine.demo.world import ensure_world

        return open_official(ensure_world(cache_dir), name="builtin")
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
    try:
        found = layout.open(root, cache_dir, elsewhere)
    except UserError as error:
        near = "" if layout is LAYOUTS["official"] else renames(root)  # official files under other names are no rows
        error.args = (f"{error}{near}",)
        raise
    others = (
        _files_beside(root) if layout is LAYOUTS["official"] and not (found.has("train") and found.has("val")) else {}
    )
    return found.completed(huggingface.open_files(root, others, cache_dir, elsewhere)) if others else found


def _files_beside(root: Path) -> dict[str, list[Path]]:
    """Files of rows beside official ones: LAVIS keeps OKVQA's train questions so, and its val questions as published."""
    official_ones = set(official.data_files(root))
    files = {
        name: [one for one in found if one not in official_ones] for name, found in huggingface.find_files(root).items()
    }
    return {name: found for name, found in files.items() if found}


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
    return f"{root} holds no data set: looked for {looked}{renames(root)}"
