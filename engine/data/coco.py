"""Where the COCO images of a data set are: in its folder, beside it, or under COCO_PATH."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from engine.data.sample import SplitMissing


def image_name(subset: str, image_id: int) -> str:
    """The file name of a COCO 2014 image; `subset` is `train2014` or `val2014`."""
    return f"COCO_{subset}_{image_id:012d}.jpg"


def image_folders(root: Path, subset: str) -> list[Path]:
    """Every folder where the images of `subset` are looked for, in order."""
    bases = [root, root / "images", root / "coco", root.parent, root.parent / "coco"]
    environment = os.environ.get("COCO_PATH")
    if environment:
        bases.insert(0, Path(environment).expanduser())
    folders = [base / folder / subset for base in bases for folder in ("mscoco2014", ".")]
    return list(dict.fromkeys(folders))


def find_images(root: Path, subset: str, image_ids: Iterable[int]) -> Path:
    """The folder that holds the images of `subset`; where several exist, the first that holds one of `image_ids`.

    Single missing images are no matter here. Raises SplitMissing that names the folders where it was looked for.
    """
    places = image_folders(root, subset)
    existing = [folder for folder in places if folder.is_dir()]
    if not existing:
        looked = ", ".join(map(str, places))
        raise SplitMissing(f"no folder with the {subset} images: looked for {looked}; put them there or set COCO_PATH")
    if len(existing) > 1:
        names = [image_name(subset, image_id) for image_id in image_ids]
        for folder in existing:
            if any((folder / name).is_file() for name in names):
                return folder
    return existing[0]
