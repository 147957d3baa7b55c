"""What an imported run is: figures or answers that another program made."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from db.specs.base import Spec


class ImportSpec(Spec):
    """Where imported figures come from, and what they were labelled with. Nothing here was checked by us."""

    kind: Literal["import"] = "import"
    """Import."""
    source: str
    """File that was read, or the document that its figures name as their source."""
    label: str = ""
    """What the figures are called there."""
    dataset: str = ""
    """Data set: a name, or the folder whose reference answers score imported predictions."""
    vlm: str = ""
    """Model, as named there."""
    split: str = "val"
    """Split of the questions."""
    shot: int | None = Field(default=None, ge=0, le=999)
    """Demonstrations that imported predictions were made with."""
    sampler: str = ""
    """Sampler of the candidates, as named there."""
    selector: str = ""
    """Checkpoint, as named there."""
    date: str = ""
    """Date, as written there."""
    section: str = ""
    """Where in the source."""
    remark: str = ""
    """What the source says beside the figures."""
    content_sha: str = ""
    """SHA-256 of the figures, so that the same ones are not imported twice."""
    seed: int | None = None
    """Unknown unless the source says so."""
