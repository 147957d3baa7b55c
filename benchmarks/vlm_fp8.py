"""Prompts read in fp8 against bfloat16, for `benchmarks/vlm.py`: products, tokens read a second, questions, agreement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.qwen_shape import shape_config
from benchmarks.vlm_cpu import BEAMS, GREEDY, SHOTS
from benchmarks.vlm_sides import COCO_SIZES, OKVQA_QUESTIONS, coco_like, evaluation, forget, packed, random_model
from benchmarks.vlm_timing import CUDA, MANY, Table, alternating
from engine.demo.shipped import model_dir
from engine.packed.agreement import agreement
from engine.packed.assembly import read_in_fp8
from engine.packed.model.language import Stack
from engine.packed.prefill import TOKENS_AT_ONCE
from engine.packed.prefixes import Tree
from engine.packed.schedule import Schedule
from engine.vlm.local.packed import PackedVLM
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import answers_in_order

REPEATS = 8
"""Passes of a block."""


def fp8(table: Table, questions: int, folder: Path) -> None:
    """Both precisions take turns in one process; a CPU only rehearses."""
    from transformers import AutoTokenizer

    device = torch.device("cuda" if CUDA else "cpu")
    config = shape_config(AutoTokenizer.from_pretrained(model_dir()), small=not CUDA)
    loaded = random_model(config, device, torch.bfloat16, folder)
    count = questions + round(questions * 9009 / OKVQA_QUESTIONS)
    samples = coco_like(folder, count, COCO_SIZES if CUDA else ((112, 84), (84, 112)))
    table.put("machine", torch.cuda.get_device_name() if CUDA else "cpu")
    vlm = packed(loaded, BEAMS)
    stacks = {"bfloat16": vlm.engine.language.own, "fp8": read_in_fp8(vlm.engine.language)}
    _products(table, stacks, device)
    _tokens(table, vlm, stacks, evaluation(samples, MANY, (2,)))
    _agreement(table, vlm, stacks["fp8"], evaluation(samples, MANY // len(SHOTS), SHOTS))
    _agreement(table, packed(loaded, GREEDY), stacks["fp8"], evaluation(samples, MANY // len(SHOTS), SHOTS))
    _questions(table, vlm, stacks, evaluation(samples, questions, SHOTS))


def _ratio(table: Table, name: str, amount: float, times: dict[str, float], unit: float = 1) -> None:
    rates = {side: float(f"{amount / seconds / unit:.4g}") for side, seconds in times.items()}
    table.put(name, {**rates, "ratio": round(times["bfloat16"] / times["fp8"], 2)})


def _products(table: Table, stacks: dict[str, Stack], device: torch.device) -> None:
    """The four products of a layer with the rounding before them, at the size of a packed pass."""
    layers = {side: stack.layers[0] for side, stack in stacks.items()}
    tokens = TOKENS_AT_ONCE if CUDA else 64
    out, width = layers["bfloat16"].out.weight.shape
    x = torch.randn(tokens, out, device=device, dtype=torch.bfloat16)
    heads = torch.randn(tokens, width, device=device, dtype=torch.bfloat16)
    both = torch.randn(tokens, len(layers["bfloat16"].gate_up.weight), device=device, dtype=torch.bfloat16)

    def alone(side: str) -> Callable[[], object]:
        layer, ops = layers[side], stacks[side].ops
        wide, read, opened = ops.rows(x), ops.rows(heads), ops.rows(both[:, : both.shape[1] // 2].contiguous())

        def work() -> None:
            for _ in range(REPEATS):
                layer.qkv(wide), layer.out(read), layer.gate_up(wide), layer.down(opened)

        return work

    def whole(side: str) -> Callable[[], object]:
        """With what stands before each product."""
        layer, ops = layers[side], stacks[side].ops

        def work() -> None:
            for _ in range(REPEATS):
                layer.qkv(ops.norm(x, layer.norm_in, 1e-6)), layer.out(ops.rows(heads))
                layer.gate_up(ops.add_norm(x, x, layer.norm_mid, 1e-6)[1]), layer.down(ops.gate(both))

        return work

    operations = 2.0 * tokens * sum(one.weight.numel() for one in _linears(layers["bfloat16"])) * REPEATS
    with torch.inference_mode():
        for name, work in (("products of a layer", alone), ("with norms and gate", whole)):
            sides = {side: work(side) for side in stacks}
            alternating(sides)
            _ratio(table, f"{name}, {tokens} tokens, TFLOP/s", operations, alternating(sides), 1e12)


def _linears(layer: Any) -> Sequence[Any]:
    return (layer.qkv, layer.out, layer.gate_up, layer.down)


def _tokens(table: Table, vlm: PackedVLM, stacks: dict[str, Stack], prompts: Sequence[Prompt]) -> None:
    """Prompts of two shots whose images are known, read level by level and dropped: what goal 16 is about."""
    engine = vlm.engine
    ends = list(Tree([vlm.path(prompt) for prompt in prompts]).ends())
    group = Schedule(ends, engine.language.memory.size, 0, len(ends)).next_group()
    assert group is not None, "there are prompts"
    with torch.inference_mode():
        images, _ = engine._images(group)

        def read(side: str) -> Tensor:
            engine.language.reading = stacks[side]
            hidden = engine._prefixes.read(group.levels, images, group.ends)
            engine._prefixes.clear()
            return hidden

        sides: dict[str, Callable[[], object]] = {side: lambda side=side: read(side) for side in stacks}  # type: ignore[misc]
        alternating(sides)
        _ratio(table, "prompts of 2 shots, images known, tokens/s", group.new_tokens, alternating(sides, blocks=7))
    engine.language.reading = engine.language.own


def _agreement(table: Table, vlm: PackedVLM, stack: Stack, prompts: Sequence[Prompt]) -> None:
    """Random weights: near-flat scores, which rounding decides more often than those of a trained model."""
    beams = vlm._decode.num_beams
    found = agreement(vlm.engine, stack, [vlm.path(prompt) for prompt in prompts], 16)
    table.put(f"agreement, {beams} beams, random weights", found.__dict__)


def _questions(table: Table, vlm: PackedVLM, stacks: dict[str, Stack], prompts: Sequence[Prompt]) -> None:
    """End to end from image files, shots 1 to 4, three beams; then with images known."""

    def answer(side: str, anew: bool) -> None:
        if anew:
            forget(vlm)
        vlm.engine.language.reading = stacks[side]
        answers_in_order(vlm, prompts)

    for name, anew in (("from image files", True), ("images known", False)):
        sides: dict[str, Callable[[], object]] = {
            side: lambda side=side, anew=anew: answer(side, anew)  # type: ignore[misc]
            for side in stacks
        }
        alternating(sides, blocks=1)
        _ratio(table, f"shots 1-4, 3 beams, {name}, questions/s", len(prompts) / len(SHOTS), alternating(sides))
