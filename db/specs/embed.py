"""What embedding a data set is: one vector per train (and validation) question, each image encoded once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from db.specs.base import Spec
from db.specs.evaluate import Engine


class EmbedSpec(Spec):
    """Query and candidate embeddings of a data set."""

    kind: Literal["embed"] = "embed"
    """Embedding."""
    dataset: str = "builtin"
    """`builtin`, a registered name, or a folder in an official or Hugging Face layout."""
    images: str = ""
    """Folder where the images lie, if not with the questions; it is looked in first."""
    encoder: str = "vlm"
    """`vlm` (the features of `vlm`), or a directory or hub id of CLIP, SigLIP or SigLIP 2, or of sentence-transformers (texts
    alone)."""
    vlm: str = "builtin"
    """Model whose features are taken when `encoder` is `vlm`."""
    use_image: bool = True
    """Images enter the embedding."""
    use_text: bool = True
    """Questions enter the embedding."""
    min_pixels: int = Field(default=3136, ge=1)
    """Images with fewer pixels are enlarged to this many."""
    max_pixels: int = Field(default=12_845_056, ge=1)
    """Images with more pixels are reduced to this many."""
    standardize: bool | None = None
    """Subtract the train mean of each column and divide by its deviation; the statistics are stored in any case. Left out:
    the features of a `vlm` are standardised, those of CLIP are not, as published."""
    device: str = "auto"
    """Where to compute: `auto`, `cpu`, `cuda`, `cuda:1`; `cuda:all` or a list (`cuda:0,cuda:1`) for a process on each."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision of the encoder."""
    engine: Engine = "auto"
    """What encodes images for a `vlm`: `packed`, `plain` (the model's own tower), or `auto`."""
    batch_size: int = Field(default=32, ge=1)
    """Images or questions in one forward batch."""

    @property
    def standardizes(self) -> bool:
        """Whether the columns are standardised."""
        return self.encoder == "vlm" if self.standardize is None else self.standardize
