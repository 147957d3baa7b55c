"""What an evaluation is: questions, demonstrations, prompt, model and decoding."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from db.specs.base import Spec, canonical_json, sha256_text

SYSTEM_PROMPT = (
    "Answer the last question about its image. Use the images, the examples before it and what you know. "
    "Reply as briefly as the examples do, in at most three words."
)

Engine = Literal["auto", "packed", "plain"]
Prefill = Literal["dtype", "fp8"]
Retriever = Literal[
    "zero-shot", "random", "fixed", "coreset", "t2t", "i2t", "i2i", "qi2qi", "mmices", "mmr", "untrained", "selector"
]
_BOTH = (("query", "both"), ("train", "both"))
COMPARED: dict[str, tuple[tuple[str, str], ...]] = {
    "coreset": (("train", "both"),),
    "t2t": (("query", "text"), ("train", "text")),
    "i2t": (("query", "image"), ("train", "text")),
    "i2i": (("query", "image"), ("train", "image")),
    "qi2qi": _BOTH,
    "mmices": (("query", "text"), ("train", "text"), ("query", "image"), ("train", "image")),
    "mmr": _BOTH,
    "untrained": _BOTH,
    "selector": _BOTH,
}
"""Retriever -> the features that it compares, as (side, field); retrievers left out compare none."""
SELECTING = frozenset({"untrained", "selector"})
"""Retrievers that need a selector's checkpoint: its weights, or its recipe alone."""
WITHOUT_MODEL = frozenset({"copy-nearest", "majority"})
"""Rules that stand for a model: they answer with what the demonstrations show."""
PoolRule = Literal["all", "first", "random", "rand-sampler", "text-sampler", "image-sampler", "mix-sampler"]


class PromptSpec(Spec):
    """The text around demonstrations and query, and the sizes that images are scaled to."""

    system: str = SYSTEM_PROMPT
    """System message; empty for none."""
    demonstration: str = "Question:{question} Short answer:{answer}"
    """Text after a demonstration's image; `{question}` and `{answer}` are filled in."""
    query: str = "Question:{question} Short answer:"
    """Text after the query's image; `{question}` is filled in."""
    min_pixels: int = Field(default=3136, ge=1)
    """Images with fewer pixels are enlarged to this many."""
    max_pixels: int = Field(default=12_845_056, ge=1)
    """Images with more pixels are reduced to this many; 200704 (256 visual tokens) is a common cap."""

    @model_validator(mode="after")
    def _placeholders(self) -> PromptSpec:
        for field, needed in (("demonstration", ("{question}", "{answer}")), ("query", ("{question}",))):
            for placeholder in needed:
                if placeholder not in getattr(self, field):
                    raise ValueError(f"{field} must contain {placeholder}, else the text never reaches the model")
        return self


class DecodeSpec(Spec):
    """How answers are decoded. Every argument is stated here; the checkpoint's own generation config is not used."""

    max_new_tokens: int = Field(default=5, ge=1)
    """Longest answer in tokens."""
    min_new_tokens: int = Field(default=0, ge=0)
    """Shortest answer in tokens."""
    num_beams: int = Field(default=3, ge=1)
    """Beams; 1 is greedy."""
    length_penalty: float = 0.0
    """Exponent of the length in the beam score."""
    do_sample: bool = False
    """Draw tokens instead of taking the most likely one."""
    temperature: float = Field(default=1.0, gt=0)
    """Temperature when sampling."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Nucleus when sampling."""
    top_k: int = Field(default=0, ge=0)
    """Number of most likely tokens kept when sampling; 0 keeps all."""
    repetition_penalty: float = Field(default=1.0, gt=0)
    """Penalty on repeated tokens; 1 is none."""
    seed: int = Field(default=42, ge=0, le=2**63 - 1)
    """Seed of what is drawn when sampling; each request draws from it by itself, whatever its batch and its turn."""

    def sha(self) -> str:
        """SHA-256 (hex) of the canonical JSON, without the seed where nothing is drawn: it then decides no answer."""
        unused = set() if self.do_sample else {"seed"}
        return sha256_text(canonical_json(self.model_dump(mode="json", exclude=unused)))


def check_prefill(spec: Any) -> None:
    """Raises ValueError where prompts cannot be read in fp8, whatever the machine."""
    if spec.prefill != "fp8":
        return
    if spec.vlm in WITHOUT_MODEL or spec.vlm.startswith(("http://", "https://")):
        raise ValueError(f"prefill=fp8 is for a model that is computed here, and vlm is {spec.vlm}: leave it out")
    if spec.engine == "plain":
        raise ValueError("prefill=fp8 is the packed engine's, and engine=plain takes the other: leave one of them out")
    if spec.dtype not in ("auto", "bfloat16"):
        raise ValueError(f"prefill=fp8 stands beside bfloat16, not {spec.dtype}: give dtype=bfloat16 or auto")
    if spec.decode.do_sample:
        raise ValueError(
            "prefill=fp8 is the packed engine's, and decode.do_sample=true takes the plain one: leave one of them out"
        )


class EvalSpec(Spec):
    """Few-shot accuracy of a vision-language model under one way of choosing demonstrations."""

    kind: Literal["eval"] = "eval"
    """Evaluation."""
    dataset: str = "builtin"
    """`builtin`, a registered name, or a folder in an official or Hugging Face layout."""
    split: Literal["val", "train"] = "val"
    """Split that the questions come from; demonstrations always come from train."""
    support: str = ""
    """Data set whose train questions are shown as demonstrations; empty for the one that is evaluated."""
    images: str = ""
    """Folder where the images lie, if not with the questions; it is looked in first."""
    limit: int | None = Field(default=None, ge=1)
    """Evaluate a seeded random subset of this many questions."""
    first: tuple[int, ...] = ()
    """Evaluate the first N questions by question_id, as published; several values make nested subsets."""
    shots: tuple[int, ...] = Field(default=(2,), min_length=1)
    """Number of demonstrations, 0 to 8; one run evaluates all values that are given."""
    vlm: str = "builtin"
    """`builtin`, a directory, a hub id, http(s)://host/v1 of an OpenAI-compatible server, or a control without a model:
    `copy-nearest` (the answer of the demonstration next to the question) or `majority` (the most frequent one shown)."""
    served_model: str = ""
    """Name of the model at an OpenAI-compatible server; empty takes the only one it serves."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests in flight at an OpenAI-compatible server."""
    retriever: Retriever | None = None
    """How demonstrations are chosen. Left out: `selector` if one is given or built in, else `random`."""
    selector: str = ""
    """Checkpoint of a pointer selector; `builtin` is the one trained on the built-in world. `untrained` takes its recipe with
    new weights; `qi2qi`, `mmr` and `coreset` compare its embeddings where it is named."""
    encoder: str = "vlm"
    """What embeds questions and images where a retriever or a pool compares them: `vlm`, or a directory or hub id of CLIP,
    SigLIP or SigLIP 2, or of sentence-transformers (texts alone)."""
    pool: PoolRule = "all"
    """Which train questions may be chosen for a query."""
    pool_size: int = Field(default=64, ge=1)
    """Size of the pool; the rule `all` has none."""
    exclude_same_image: bool = False
    """Also keep demonstrations with the query's own image out of the pool."""
    most_similar_last: bool = True
    """Put the most similar neighbour last, next to the query, as published."""
    order: Literal["chosen", "reversed", "shuffled"] = "chosen"
    """Order of the demonstrations in the prompt: as they were `chosen`, `reversed`, or `shuffled` by seed and question."""
    prompt: PromptSpec = PromptSpec()
    """Texts of the prompt and sizes of its images."""
    decode: DecodeSpec = DecodeSpec()
    """How answers are decoded."""
    seed: int = Field(default=42, ge=0)
    """Seed of subset, random retriever and random pools."""
    device: str = "auto"
    """Where to compute: `auto`, `cpu`, `cuda`, `cuda:1`; `cuda:all` or a list (`cuda:0,cuda:1`) for a process on each."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision; `auto` is float32 on a CPU and bfloat16 on a GPU."""
    engine: Engine = "auto"
    """`packed` shares the work of prompts that begin alike, `plain` is transformers' generate; `auto` takes the packed one
    where it can run and agrees with the other."""
    prefill: Prefill = "dtype"
    """`fp8` (e4m3) reads prompts faster and changes some answers, which are still decoded in bfloat16; `dtype` reads them in the
    precision of the rest. It needs the packed engine on a GPU of compute capability 8.9 or more."""
    batch_size: int = Field(default=8, ge=1)
    """Questions answered in one forward batch of the plain engine."""
    strict: bool = False
    """Stop at a missing or broken image instead of flagging the question."""
    fresh: bool = False
    """Compute every answer anew. The answers are kept for this run alone, and for going on with it."""
    reuse_served: bool = False
    """Take answers that other runs got from a server of this address and model name, whose weights may have changed since."""

    @model_validator(mode="after")
    def _consistent(self) -> EvalSpec:
        bad = [shot for shot in self.shots if not 0 <= shot <= 8]
        if bad:
            raise ValueError(f"shots must be 0 to 8, not {bad[0]}")
        if self.limit and self.first:
            raise ValueError("limit (a random subset) and first (a prefix) exclude each other: give one of them")
        if self.fresh and self.reuse_served:
            raise ValueError("fresh computes every answer anew, reuse_served takes stored ones: give one of them")
        if any(n < 1 for n in self.first):
            raise ValueError("first must be 1 or more")
        check_prefill(self)
        return self
