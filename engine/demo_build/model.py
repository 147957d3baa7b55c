"""Trains the tiny model of the built-in world from nothing, in minutes on two cores: `python -m engine.demo_build.model OUT`.

It is of the same class as the real one (Qwen2.5-VL), so the code that runs the 3B model runs it too.
"""

import argparse
import itertools
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from loguru import logger
from PIL import Image
from torch import Tensor
from torch.nn import functional

from engine.common.files.atomic import files_into
from engine.demo.scene import SIZE, VALUES, Scene, decode, draw, encode
from engine.demo.shipped import SYNTHETIC_NOTE
from engine.demo_build.episodes import CURRICULUM, MIXTURE, MOST_DEMONSTRATIONS, Episode, Mixture, draw_episode
from engine.demo_build.pictures import PATCHES, SIDE, picture_tokens
from engine.demo_build.prompts import IGNORED, PromptEncoder
from engine.demo_build.tokenizer import IMAGE, SPECIAL, VIDEO, VISION_END, VISION_START, build_tokenizer

Report = Callable[[str], None]


@dataclass(frozen=True)
class BuildOptions:
    """How the tiny model is trained."""

    seed: int = 0
    steps: int = 4000
    batch: int = 16
    learning_rate: float = 1.5e-3
    warm_up: int = 100
    weight_decay: float = 0.05
    variants: int = 24  # drawings of each scene
    width: int = 96
    layers: int = 4
    report_every: int = 100
    report_size: int = 128  # fresh episodes per number of demonstrations


@dataclass(frozen=True)
class Batch:
    """Token ids, targets and images of some episodes of equal length in items."""

    ids: Tensor  # (B, L)
    labels: Tensor  # (B, L), IGNORED where there is no loss
    replies: Tensor  # (B, L) bool: the targets of the model's own turn
    informed: Tensor  # (B,) bool: the demonstrations determine the whole answer
    kinds: list[str]  # of the question at the end
    pictures: Tensor  # (N * 16, patch values), N = B * items
    facts: Tensor  # (N, 3): which colour, shape and place each picture shows


class PictureBank:
    """Every scene in several drawings, as the image processor hands them to the model."""

    def __init__(self, processor: Any, variants: int, rng: random.Random) -> None:
        self.variants = variants
        self._rows: dict[Scene, int] = {}
        pictures: list[Image.Image] = []
        for values in itertools.product(*VALUES.values()):
            scene = Scene(*values)
            self._rows[scene] = len(pictures)
            pictures += [decode(encode(draw(scene, rng))) for _ in range(variants)]
        pixels: Tensor = processor(images=pictures, return_tensors="pt")["pixel_values"]
        self._pixels = pixels.view(len(pictures), PATCHES, -1).half()  # (scenes * variants, 16, patch values)

    def pixels(self, scenes: list[Scene], rng: random.Random) -> Tensor:
        """One random drawing per scene, (scenes * 16, patch values)."""
        rows = [self._rows[scene] + rng.randrange(self.variants) for scene in scenes]
        return self._pixels[rows].float().flatten(0, 1)


def image_processor() -> Any:
    """The processor of the real model, with patches so large that the smallest allowed picture is one token."""
    # seconds that --help does not need
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    return Qwen2VLImageProcessorPil(
        min_pixels=SIZE * SIZE,
        max_pixels=SIZE * SIZE,
        patch_size=SIZE // SIDE,
        merge_size=SIDE,
        temporal_patch_size=1,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )


def new_model(tokenizer: Any, options: BuildOptions) -> Any:
    """An untrained Qwen2.5-VL of under two million parameters."""
    # seconds that the episodes, which are made without a model, do not need
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    token = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    config = Qwen2_5_VLConfig(
        text_config=_text_config(tokenizer, options),
        vision_config=_vision_config(options),
        image_token_id=token[IMAGE],
        video_token_id=token[VIDEO],
        vision_start_token_id=token[VISION_START],
        vision_end_token_id=token[VISION_END],
        tie_word_embeddings=True,
    )
    model = Qwen2_5_VLForConditionalGeneration(config)
    model.generation_config.update(
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None
    )
    return model


def _text_config(tokenizer: Any, options: BuildOptions) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": options.width,
        "intermediate_size": 256,
        "num_hidden_layers": options.layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 4, 4]},
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
        "initializer_range": 0.05,
    }


def _vision_config(options: BuildOptions) -> dict[str, Any]:
    return {
        "depth": 2,
        "initializer_range": 0.05,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 4,
        "out_hidden_size": options.width,
        "patch_size": SIZE // SIDE,
        "spatial_merge_size": SIDE,
        "temporal_patch_size": 1,
        "window_size": SIZE,
        "fullatt_block_indexes": [0, 1],
    }


def draw_batch(
    encoder: PromptEncoder, bank: PictureBank, size: int, demonstrations: int, mixture: Mixture, rng: random.Random
) -> Batch:
    """Fresh episodes with the same number of demonstrations, padded on the right."""
    episodes = [draw_episode(demonstrations, mixture, rng) for _ in range(size)]
    system = encoder.draw_system(rng)
    encoded = [encoder.encode(episode, system) for episode in episodes]
    length = max(len(prompt.ids) for prompt in encoded)
    rows = [prompt.padded(length, encoder.pad) for prompt in encoded]
    ids, labels = (torch.tensor(column) for column in zip(*rows, strict=True))  # (B, L) each
    starts = torch.tensor([[prompt.reply_start] for prompt in encoded])
    positions = torch.arange(length)[None]
    scenes = [scene for episode in episodes for scene in _scenes(episode)]
    return Batch(
        ids=ids,
        labels=labels,
        replies=(positions >= starts) & (labels != IGNORED),
        informed=torch.tensor([episode.informed for episode in episodes]),
        kinds=[episode.question.kind for episode in episodes],
        pictures=bank.pixels(scenes, rng),
        facts=torch.tensor([[VALUES[fact].index(scene.value(fact)) for fact in VALUES] for scene in scenes]),
    )


def _scenes(episode: Episode) -> Iterator[Scene]:
    for turn in episode.demonstrations:
        yield turn.question.scene
    yield episode.question.scene


def target_logits(model: Any, batch: Batch, image_token: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits (T, V), targets (T,) and places (T, 2) of all positions that have a target; picture tokens (N, width)."""
    size, length = batch.ids.shape
    seen = picture_tokens(model, batch.pictures)
    embedded = model.get_input_embeddings()(batch.ids)
    embedded = embedded.masked_scatter((batch.ids == image_token)[..., None], seen)
    # Every picture is one token, so the positions of all three rotary axes simply count up. Padding is on the
    # right and attention is causal, so no mask is needed.
    positions = torch.arange(length).expand(3, size, length)
    hidden = model.model.language_model(inputs_embeds=embedded, position_ids=positions, use_cache=False)[0]
    chosen = batch.labels[:, 1:] != IGNORED
    return model.lm_head(hidden[:, :-1][chosen]), batch.labels[:, 1:][chosen], chosen.nonzero(), seen


class FactReader(torch.nn.Module):
    """A training aid that is thrown away: linear maps that name colour, shape and place from a picture's token.

    Without it the vision tower takes most of the training to tell shapes apart.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.maps = torch.nn.ModuleList([torch.nn.Linear(width, len(values)) for values in VALUES.values()])

    def forward(self, seen: Tensor, facts: Tensor) -> Tensor:
        """Mean cross-entropy over the facts of the picture tokens (N, width); `facts` is (N, 3)."""
        losses = [functional.cross_entropy(read(seen), facts[:, n]) for n, read in enumerate(self.maps)]
        return torch.stack(losses).mean()


def train(model: Any, tokenizer: Any, options: BuildOptions, report: Report) -> dict[str, float]:
    """Train in place; returns the share of right replies at the end, by kind of prompt."""
    rng = random.Random(f"train {options.seed}")
    encoder = PromptEncoder(tokenizer)
    bank = PictureBank(image_processor(), options.variants, rng)
    reader = FactReader(options.width)
    optimizer, schedule = _optimizer([*model.parameters(), *reader.parameters()], options)
    started = time.perf_counter()
    model.train()
    for step in range(options.steps):
        mixture = next(mixture for share, mixture in reversed(CURRICULUM) if step >= share * options.steps)
        demonstrations = mixture.draw_count(rng)
        batch = draw_batch(encoder, bank, options.batch, demonstrations, mixture, rng)
        logits, targets, _, seen = target_logits(model, batch, encoder.image)
        loss, facts_loss = functional.cross_entropy(logits, targets), reader(seen, batch.facts)
        (loss + facts_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % options.report_every == 0:
            right = right_replies(model, encoder, bank, options.report_size, random.Random(step))
            shares = ", ".join(f"{name} {share:.2f}" for name, share in right.items())
            seconds = time.perf_counter() - started
            report(f"step {step + 1}/{options.steps}, {seconds:.0f} s, loss {loss:.3f} + {facts_loss:.3f}: {shares}")
    return right_replies(model, encoder, bank, options.report_size, random.Random(-1))


def _optimizer(weights: list[Tensor], options: BuildOptions) -> tuple[torch.optim.Optimizer, Any]:
    matrices = [weight for weight in weights if weight.dim() >= 2]
    vectors = [weight for weight in weights if weight.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": options.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.98))

    def rate(step: int) -> float:
        warm = min(1.0, (step + 1) / options.warm_up)
        return warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / options.steps))))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


@torch.inference_mode()
def right_replies(
    model: Any, encoder: PromptEncoder, bank: PictureBank, size: int, rng: random.Random
) -> dict[str, float]:
    """Share of replies right in every token: of blind prompts, and of those whose demonstrations tell all, by kind."""
    model.eval()
    shares = {"blind": float(_right(model, encoder, draw_batch(encoder, bank, size, 0, MIXTURE, rng)).float().mean())}
    for demonstrations in (2, MOST_DEMONSTRATIONS):
        batch = draw_batch(encoder, bank, size, demonstrations, MIXTURE, rng)
        right = _right(model, encoder, batch)
        for kind in ("habit", "word", "pair"):
            chosen = batch.informed & torch.tensor([asked == kind for asked in batch.kinds])
            shares[f"{kind} after {demonstrations}"] = float(right[chosen].float().mean())
    model.train()
    return shares


def _right(model: Any, encoder: PromptEncoder, batch: Batch) -> Tensor:
    """Whether each reply is right in every token, (B,) bool."""
    logits, targets, places, _ = target_logits(model, batch, encoder.image)
    own = batch.replies[:, 1:][places[:, 0], places[:, 1]]
    wrong = torch.zeros(len(batch.ids))
    wrong.index_add_(0, places[own, 0], (logits.argmax(-1) != targets)[own].float())
    return wrong == 0


def build(out: Path, options: BuildOptions | None = None, report: Report = logger.info) -> dict[str, float]:
    """Train and save model, tokenizer, chat template and image processor into `out`; returns the final shares.

    The same seed gives the same weights on one machine with one number of threads.
    """
    options = options or BuildOptions()
    torch.manual_seed(options.seed)
    tokenizer = build_tokenizer()
    model = new_model(tokenizer, options)
    report(f"tiny Qwen2.5-VL with {sum(weight.numel() for weight in model.parameters()):,} parameters")
    shares = train(model, tokenizer, options, report)
    with files_into(out) as draft:
        save(model, tokenizer, draft)
    report(f"saved in {out}")
    return shares


def save(model: Any, tokenizer: Any, directory: Path) -> None:
    """Write everything that the from_pretrained functions read, in half precision."""
    model.half().save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    image_processor().save_pretrained(directory)


def main(arguments: list[str] | None = None) -> None:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.demo_build.model", description=f"{__doc__} {SYNTHETIC_NOTE}"
    )
    parser.add_argument("out", type=Path, help="folder for the model")
    for name, default in asdict(BuildOptions()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    given = vars(parser.parse_args(arguments))
    out = given.pop("out")
    logger.remove()
    logger.add(sys.stderr, format="{time:HH:mm:ss} {message}")
    build(out, BuildOptions(**given))


if __name__ == "__main__":
    main()
