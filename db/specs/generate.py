"""What making RL data is: propose pointers for each query, let the model answer, score the answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from db.specs.base import Spec
from db.specs.evaluate import DecodeSpec, Engine, PoolRule, Prefill, PromptSpec, check_prefill


class GenerateSpec(Spec):
    """RL data: scored demonstrations (pointers) for a set of train queries."""

    kind: Literal["generate"] = "generate"
    """Generation of RL data."""
    dataset: str = "builtin"
    """`builtin`, a registered name, or a folder in an official or Hugging Face layout."""
    images: str = ""
    """Folder where the images lie, if not with the questions; it is looked in first."""
    queries: int = Field(default=800, ge=1)
    """Number of train questions drawn as queries."""
    start_idx: int = Field(default=0, ge=0)
    """First of the drawn queries that are asked, counted from 0 in the order of question_id: a shard of them."""
    end_idx: int | None = Field(default=None, ge=1)
    """The query before which the shard ends; left out, the last is asked too. `data derive --merge` joins shards."""
    shots: int = Field(default=2, ge=1, le=8)
    """Demonstrations in a pointer."""
    vlm: str = "builtin"
    """`builtin`, a directory, a hub id, or http(s)://host/v1 of an OpenAI-compatible server."""
    served_model: str = ""
    """Name of the model at an OpenAI-compatible server."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests in flight at an OpenAI-compatible server."""
    selector: str = ""
    """Checkpoint that proposes beams and samples; empty proposes without one."""
    encoder: str = "vlm"
    """What embeds questions and images for retrieval and the selector."""
    pool: PoolRule = "rand-sampler"
    """Which train questions may be chosen for a query."""
    pool_size: int = Field(default=64, ge=2)
    """Size of each query's pool."""
    exclude_same_image: bool = False
    """Also keep demonstrations with the query's own image out of the pool."""
    beams: int = Field(default=5, ge=0)
    """Pointers by beam search of the selector."""
    temperatures: tuple[float, ...] = (1.0, 1.3)
    """Temperatures of sampled pointers."""
    samples_per_temperature: int = Field(default=2, ge=0)
    """Sampled pointers for each temperature."""
    retrieved: int = Field(default=5, ge=0)
    """Pointers by embedding similarity."""
    random: int = Field(default=1, ge=0)
    """Pointers drawn at random."""
    info_beams: int = Field(default=0, ge=0, le=64)
    """Pointers by beam search of InfoScores, and the width of that beam: what the demonstrations add to the model's own
    probability of the query's answer. Each of `shots` steps tries the whole pool behind every beam."""
    construct_order: Literal["left", "right"] = "left"
    """Where a beam's next demonstration goes: `left` before the others, as published, `right` behind them, which costs less
    because prompts then begin alike."""
    info_gain: Literal["probability", "log_probability"] = "probability"
    """What `beam_score` of such a pointer states: the gain of the probability, as published, or of its logarithm (nats per token).
    Both find the same beams."""
    all_pairs: bool = False
    """Ask every ordered pair of the pool, in place of what the methods propose; pools that queries share save most."""
    reference_probabilities: bool = False
    """Also score the query's reference answers behind each prompt (`vqa_gt_prob`); a server cannot."""
    adaptive: bool = True
    """Stop a query once two of its candidates differ in score, and spend more on those without."""
    min_candidates: int = Field(default=6, ge=2)
    """Candidates that every query gets before its group is judged, when adaptive."""
    max_candidates: int = Field(default=24, ge=2)
    """Most candidates spent on a query whose group has no signal yet, when adaptive."""
    prompt: PromptSpec = PromptSpec()
    """Texts of the prompt and sizes of its images."""
    decode: DecodeSpec = DecodeSpec()
    """How answers are decoded."""
    seed: int = Field(default=42, ge=0)
    """Seed of queries, pools and proposals."""
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
    """Prompts answered in one forward batch of the plain engine."""
    strict: bool = False
    """Stop at a missing or broken image instead of leaving the candidate out."""
    fresh: bool = False
    """Compute every answer anew. The answers are kept for this run alone, and for going on with it."""
    reuse_served: bool = False
    """Take answers that other runs got from a server of this address and model name, whose weights may have changed since."""

    @model_validator(mode="after")
    def _consistent(self) -> GenerateSpec:
        end = min(self.queries, self.end_idx or self.queries)
        if self.start_idx >= end:
            raise ValueError(f"no query is left from start_idx={self.start_idx} to before {end}: lower start_idx")
        if self.min_candidates > self.max_candidates:
            raise ValueError(
                f"min_candidates ({self.min_candidates}) exceeds max_candidates ({self.max_candidates}): lower it"
            )
        if self.fresh and self.reuse_served:
            raise ValueError("fresh computes every answer anew, reuse_served takes stored ones: give one of them")
        check_prefill(self)
        if any(temperature <= 0 for temperature in self.temperatures):
            raise ValueError("temperatures must be above 0")
        if self.pool != "all" and self.shots > self.pool_size:
            raise ValueError(f"a pool of {self.pool_size} holds no pointer of {self.shots} shots: raise pool_size")
        if self.all_pairs and self.shots != 2:
            raise ValueError(f"all_pairs asks pairs, so shots must be 2, not {self.shots}")
        if self.info_beams and self.all_pairs:
            raise ValueError("all_pairs asks every pair, so info_beams has nothing to propose: give one of them")
        if self.info_beams and self.pool == "all":
            raise ValueError(
                "info_beams tries the whole pool at each step, and pool=all is every train question: give another pool"
            )
        by_selector = self.beams or (self.temperatures and self.samples_per_temperature)
        if not (self.retrieved or self.random or self.info_beams or (self.selector and by_selector)):
            raise ValueError(
                "nothing proposes pointers: set retrieved, random or info_beams, or give a selector with beams or samples"
            )
        return self
