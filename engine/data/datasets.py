"""Opening a data set by name or folder: the built-in world, the official files, or a Hugging Face layout."""

from __future__ import annotations

from pathlib import Path

from db.specs.base import UserError
from engine.data.huggingface import SUFFIXES, find_files, open_huggingface
from engine.data.official import FOLDERS, file_names, is_official, open_official
from engine.data.sample import Dataset, Sample, Split

__all__ = ["Dataset", "Sample", "Split", "open_dataset"]


def open_dataset(path_or_name: str | Path, *, cache_dir: Path) -> Dataset:
    """The data set `builtin`, or the one in a folder. Images stay unopened; embedded ones are written to `cache_dir`.

    Raises UserError, one sentence, for a folder that is wrong, incomplete or malformed.
    """
    if str(path_or_name) == "builtin":
        # 50 ms (Pillow) that other data sets do not need
        from engine.demo.world import ensure_world

        return open_official(ensure_world(cache_dir), name="builtin")
    root = Path(path_or_name).expanduser()
    if not root.exists():
        raise UserError(
            f"no data set at {root.absolute()}: give `builtin`, a registered name, or a folder with OKVQA, VQAv2 "
            "or Hugging Face files"
        )
    root = root.resolve()
    if root.is_dir() and is_official(root):
        return open_official(root)
    if find_files(root):
        return open_huggingface(root, cache_dir)
    raise UserError(_unknown(root))


def _unknown(root: Path) -> str:
    if root.is_file():
        return (
            f"{root} is no data set: give a folder, or a {', '.join(SUFFIXES)} file named after its split (train, val)"
        )
    places = ", ".join(str(root / folder) for folder in FOLDERS)
    return (
        f"{root} holds no data set: looked for {file_names('', 'val')[0]} and {file_names('', 'val')[1]} "
        f"(VQAv2 with the prefix v2_) in {places}, and for {', '.join(SUFFIXES)} files named after train or val below it"
    )
