"""A model's own processor with Pillow's pixels and no video part: transformers' needs torchvision, and we show no videos."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

OFFLINE = {"local_files_only": True, "trust_remote_code": False}
VIDEO = "video_processor"
PARTS = frozenset({"image_processor", "tokenizer", "feature_extractor", VIDEO})
"""What a processor may be made of here; one with further parts is left to transformers."""


def load_processor(directory: Path, config: Any) -> Any:
    """The model's own processor, with Pillow's pixels whatever else is installed, so that prompts mean the same anywhere."""
    # seconds that only a local model needs, and hub access is cut before
    from transformers import AutoProcessor
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    own = PROCESSOR_MAPPING.get(type(config), None)
    if own is None or VIDEO not in own.get_attributes() or not PARTS.issuperset(own.get_attributes()):
        return AutoProcessor.from_pretrained(directory, backend="pil", **OFFLINE)
    return _without_video(own, directory)


def _without_video(own: Any, directory: Path) -> Any:
    """The processor that its class makes of what the checkpoint states for it, with a blank in the place of its video part."""
    # as above: hub access is cut before
    from transformers import AutoFeatureExtractor, AutoImageProcessor, AutoTokenizer

    loaders = {
        "image_processor": AutoImageProcessor,
        "tokenizer": AutoTokenizer,
        "feature_extractor": AutoFeatureExtractor,
    }
    pixels = {"image_processor": {"backend": "pil"}}
    parts = [
        NoVideo() if name == VIDEO else loaders[name].from_pretrained(directory, **OFFLINE, **pixels.get(name, {}))
        for name in own.get_attributes()
    ]
    blank: Any = type(own.__name__, (own,), {"check_argument_for_proper_class": _checked, "__module__": own.__module__})
    _spell_no_numbers(own)
    stated, _ = own.get_processor_dict(directory, **OFFLINE)
    return blank.from_args_and_dict(parts, stated)


class NoVideo(dict[str, Any]):
    """Stands where a processor wants its video part: every setting of it is None, it is never called, and it shows as {}."""

    model_input_names: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _checked(self: Any, name: str, part: Any) -> Any:
    """`check_argument_for_proper_class` for the parts that are there."""
    return None if isinstance(part, NoVideo) else super(type(self), self).check_argument_for_proper_class(name, part)


def _spell_no_numbers(own: Any) -> None:
    """SmolVLM's constructor asks for the package num2words, which spells how many frames a video has."""
    module = sys.modules[own.__module__]
    if getattr(module, "num2words", "") is None:
        vars(module)["num2words"] = str
