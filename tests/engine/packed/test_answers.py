"""The packed engine against transformers' generate in float32: equal answers whatever is shared, split, ordered or decoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from db.specs.base import UserError
from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.packed.engine import Ask
from engine.packed.model.memory import KeyValues
from engine.recipes.run_context import Stop
from engine.vlm.local.loading import Loaded
from engine.vlm.local.packed import PackedVLM
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import Answer, always, answers_in_order
from tests.helpers_packed import loaded, packed, plain, random_prompts, random_samples
from tests.helpers_vlm import save_tiny_qwen


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    made = loaded(save_tiny_qwen(tmp_path_factory.mktemp("qwen")))
    end = made.processor.tokenizer.eos_token_id
    with torch.no_grad():  # ends as often as a trained model does
        made.model.lm_head.weight[end] *= 2.5
    return made


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    return random_prompts(random_samples(tmp_path_factory.mktemp("pictures")), 36, seed=1)


DECODINGS = {
    "greedy": DecodeSpec(num_beams=1, max_new_tokens=6),
    "as published": DecodeSpec(),
    "five beams, long, length rewarded": DecodeSpec(num_beams=5, max_new_tokens=12, length_penalty=1.0),
    "length punished": DecodeSpec(num_beams=3, max_new_tokens=8, length_penalty=-2.0),
    "least length": DecodeSpec(num_beams=3, max_new_tokens=6, min_new_tokens=4),
    "greedy with least length and penalty": DecodeSpec(
        num_beams=1, max_new_tokens=6, min_new_tokens=3, repetition_penalty=1.7
    ),
    "beams with penalty": DecodeSpec(num_beams=3, max_new_tokens=7, repetition_penalty=1.4),
    "one token": DecodeSpec(num_beams=3, max_new_tokens=1),
}


@pytest.mark.parametrize("name", DECODINGS)
def test_answers_equal_those_of_generate(model: Loaded, prompts: list[Prompt], name: str) -> None:
    decode = DECODINGS[name]
    expected = answers_in_order(plain(model, decode), prompts)
    assert answers_in_order(packed(model, decode), prompts) == expected
    assert len({answer.raw for answer in expected}) > 5


def test_some_answers_end_early_and_some_are_cut(model: Loaded, prompts: list[Prompt]) -> None:
    cut = [answer.cut for answer in answers_in_order(packed(model, DECODINGS["as published"]), prompts)]
    assert any(cut)
    assert not all(cut)


AHEAD = pytest.mark.parametrize("ahead", [False, True], ids=["one by one", "read ahead"])


def test_what_comes_next_is_made_ready_behind_every_pass(
    model: Loaded, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.packed.prefill.TOKENS_AT_ONCE", 200)
    engine = packed(model, DECODINGS["greedy"], ahead=True).engine
    happened: list[str] = []
    real = engine.language.prefill

    def read(*given: Any) -> Tensor:
        happened.append("pass")
        return real(*given)

    monkeypatch.setattr(engine.language, "prefill", read)
    vlm = packed(model, DECODINGS["greedy"])
    asked = [Ask(vlm.path(prompt)) for prompt in prompts]
    engine.features.sources |= vlm.engine.features.sources
    for _ in engine.answer(asked, always, lambda: happened.append("made ready")):
        pass
    passes = [at for at, what in enumerate(happened) if what == "pass"]
    assert len(passes) > 5
    assert all(happened[at + 1] == "made ready" for at in passes)


@pytest.mark.parametrize("memory", [None, 4 << 20], ids=["", "memory too short for it"])
def test_warming_up_leaves_nothing_behind(model: Loaded, prompts: list[Prompt], memory: int | None) -> None:
    vlm = packed(model, DECODINGS["as published"], memory=memory)
    vlm.engine.warm_up()
    assert vlm.engine.language.memory.free == vlm.engine.language.memory.size
    assert not vlm.facts().keys() & {"engine_images_encoded", "engine_prompt_tokens"}
    expected = answers_in_order(packed(model, DECODINGS["as published"]), prompts)
    assert answers_in_order(vlm, prompts) == expected


@AHEAD
def test_memory_that_forces_splitting_changes_no_answer(model: Loaded, prompts: list[Prompt], ahead: bool) -> None:
    decode = DecodeSpec()
    whole = packed(model, decode, ahead=ahead)
    expected = answers_in_order(whole, prompts)
    token = KeyValues.bytes_per_token(layers=2, heads=2, width=8, dtype=torch.float32)
    longest = max(sum(map(len, whole.path(prompt))) for prompt in prompts)
    tight = packed(model, decode, memory=(longest + 2 * 3 * 4) * token, ahead=ahead)
    groups = list(tight.answer(prompts))
    assert len(groups) > len(prompts) // 3
    assert {place: answer for group in groups for place, answer in group.items()} == dict(enumerate(expected))
    assert tight.engine.language.memory.free == tight.engine.language.memory.size
    assert (
        tight.engine.counts.tokens_computed == whole.engine.counts.tokens_computed
    )  # a prefix lives while it is needed


def test_order_and_company_change_no_answer(model: Loaded, prompts: list[Prompt]) -> None:
    vlm = packed(model, DecodeSpec())
    expected = answers_in_order(vlm, prompts)
    assert answers_in_order(vlm, prompts[::-1]) == expected[::-1]
    assert [answers_in_order(vlm, [prompt])[0] for prompt in prompts[:8]] == expected[:8]


@AHEAD
def test_blocks_follow_one_another_without_a_gap_and_change_no_answer(
    model: Loaded, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    expected = answers_in_order(packed(model, DecodeSpec()), prompts)
    monkeypatch.setattr("engine.vlm.local.packed.FIRST_BLOCKS", (1, 2, 3))
    monkeypatch.setattr("engine.vlm.local.packed.BLOCK", 7)
    vlm = packed(model, DecodeSpec(), ahead=ahead)
    vlm.engine.at_once = 3
    shards = [prompts[:9], [], prompts[9:10], prompts[10:]]
    coming = iter(shards)
    found: dict[int, dict[int, Answer]] = {number: {} for number in range(len(shards))}
    for shard, answers in vlm.answer_shards(lambda: next(coming, None)):
        found[shard] |= answers
    assert [found[number][at] for number, shard in enumerate(shards) for at in range(len(shard))] == expected
    assert vlm.engine.language.memory.free == vlm.engine.language.memory.size


def test_the_next_group_is_read_before_answers_are_looked_at_where_it_is_read_ahead(
    model: Loaded, prompts: list[Prompt]
) -> None:
    for ahead in (False, True):
        vlm = packed(model, DecodeSpec(), ahead=ahead)
        vlm.engine.at_once = 5
        answers = vlm.answer(prompts)
        next(answers)
        alive = vlm.engine.language.memory.size - vlm.engine.language.memory.free
        longest = max(sum(map(len, vlm.path(prompt))) for prompt in prompts)
        assert (alive > longest) is ahead  # else only a prefix that is needed on


def test_what_is_shared_is_computed_once(model: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vlm.local.packed.FIRST_BLOCKS", ())  # prefixes are sought among the prompts of a block
    prompts = random_prompts(random_samples(tmp_path, 9), 60, seed=3)
    vlm = packed(model, DecodeSpec())
    answers_in_order(vlm, prompts)
    counts = vlm.engine.counts
    paths = [vlm.path(prompt) for prompt in prompts]
    prefixes = {path[: end + 1] for path in paths for end in range(len(path))}
    assert counts.tokens_computed == sum(len(prefix[-1]) for prefix in prefixes) < counts.tokens
    assert counts.images_encoded == len({one.image for path in paths for one in path if one.image})


def test_most_similar_last_shares_the_system_prompt_and_images_and_answers_as_generate_does(
    model: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nested suffixes: the order of the neighbours' retrievers, in which no demonstration stands behind the same ones twice."""
    monkeypatch.setattr("engine.vlm.local.packed.FIRST_BLOCKS", ())
    samples = random_samples(tmp_path, 15)
    spec = PromptSpec()
    shown = [samples[3 + 4 * at : 7 + 4 * at] for at in range(3)]
    prompts = [build(spec, shown[at][:shots][::-1], samples[at]) for at in range(3) for shots in range(1, 5)]
    for decode in (DecodeSpec(), DECODINGS["greedy"]):
        vlm = packed(model, decode)
        assert answers_in_order(vlm, prompts) == answers_in_order(plain(model, decode), prompts)
        paths = [vlm.path(prompt) for prompt in prompts]
        (system,) = {path[0] for path in paths}
        alone = sum(len(one) for path in paths for one in path[1:])
        assert vlm.engine.counts.tokens_computed == len(system) + alone
        assert vlm.engine.counts.images_encoded == len({one.image for path in paths for one in path if one.image})


def test_sampling_draws_what_the_warped_distribution_allows(model: Loaded, prompts: list[Prompt]) -> None:
    greedy = answers_in_order(packed(model, DECODINGS["greedy"]), prompts)
    only_best = DecodeSpec(num_beams=1, max_new_tokens=6, do_sample=True, top_k=1)
    assert answers_in_order(packed(model, only_best), prompts) == greedy
    torch.manual_seed(0)
    drawn = answers_in_order(packed(model, DecodeSpec(num_beams=1, do_sample=True, temperature=5.0)), prompts)
    assert drawn != greedy


def run_short_of_memory(vlm: PackedVLM, monkeypatch: pytest.MonkeyPatch, fits: int) -> list[int]:
    """Lets the language model fail for more than `fits` answers under way; the numbers that were tried."""
    tried: list[int] = []
    real = vlm.engine.language.decode

    def decode(x: Tensor, *rest: Any) -> Tensor:
        tried.append(len(x))
        if len(x) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(x, *rest)

    monkeypatch.setattr(vlm.engine.language, "decode", decode)
    return tried


@AHEAD
def test_out_of_memory_halves_the_groups_and_says_so(
    model: Loaded, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    expected = answers_in_order(packed(model, DecodeSpec()), prompts)
    vlm = packed(model, DecodeSpec(), ahead=ahead)
    tried = run_short_of_memory(vlm, monkeypatch, fits=3 * 10)
    assert answers_in_order(vlm, prompts) == expected
    assert max(tried) > 30
    assert vlm.facts()["engine_splits"] == 2
    assert vlm.engine.language.memory.free == vlm.engine.language.memory.size


def test_not_even_one_prompt_fits(model: Loaded, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = packed(model, DecodeSpec())
    run_short_of_memory(vlm, monkeypatch, fits=0)
    with pytest.raises(UserError, match=r"prompt\.max_pixels"):
        answers_in_order(vlm, prompts)
    with pytest.raises(UserError, match=r"does not hold a single prompt"):
        answers_in_order(packed(model, DecodeSpec(), memory=1 << 12), prompts)


@AHEAD
def test_a_bad_image_harms_the_prompts_that_show_it_only(model: Loaded, tmp_path: Path, ahead: bool) -> None:
    samples = random_samples(tmp_path, 6)
    picture = samples[1].image.read_bytes()
    samples[1].image.write_bytes(picture[: len(picture) // 2])  # its head is whole, so its size is known
    samples[2].image.unlink()
    spec = PromptSpec()
    prompts = [build(spec, [samples[at] for at in shown], samples[0]) for shown in ([], [1], [3], [3, 1], [2], [3, 4])]
    vlm = packed(model, DecodeSpec(), ahead=ahead)
    answers = answers_in_order(vlm, prompts)
    assert ["cannot be decoded" in answer.error for answer in answers] == [False, True, False, True, False, False]
    assert ["does not exist" in answer.error for answer in answers] == [False, False, False, False, True, False]
    good = [prompts[at] for at in (0, 2, 5)]
    assert [answers[at] for at in (0, 2, 5)] == answers_in_order(plain(model, DecodeSpec()), good)


@AHEAD
def test_groups_are_begun_until_asked_to_stop(model: Loaded, prompts: list[Prompt], ahead: bool) -> None:
    vlm = packed(model, DecodeSpec(), ahead=ahead)
    vlm.engine.at_once = 5
    stop = Stop()
    answers = vlm.answer(prompts, stop.go_on)
    assert 0 < len(next(answers)) <= 5
    stop.asked = True
    assert list(answers) == []
    assert vlm.engine.language.memory.free == vlm.engine.language.memory.size


def test_half_precision_shares_no_answers_with_generate(model: Loaded, prompts: list[Prompt], tmp_path: Path) -> None:
    decode = DecodeSpec()
    assert packed(model, decode).request_sha(prompts[0]) == plain(model, decode).request_sha(prompts[0])
    half = loaded(save_tiny_qwen(tmp_path), dtype="bfloat16")
    assert packed(half, decode).request_sha(prompts[0]) != plain(half, decode).request_sha(prompts[0])
    assert not any(answer.error for answer in answers_in_order(packed(half, decode), prompts[:4]))


def test_an_answer_that_another_end_token_ends_is_not_cut(model: Loaded, prompts: list[Prompt]) -> None:
    decode = DecodeSpec(num_beams=1, max_new_tokens=8)
    letters = "".join(answer.raw[1:] for answer in answers_in_order(plain(model, decode), prompts))
    often = max(set(letters) - {" ", "\n"}, key=letters.count)
    (second,) = model.processor.tokenizer(often, add_special_tokens=False)["input_ids"]
    several = replace(model, end_tokens=tuple(sorted((*model.end_tokens, second))))
    expected = answers_in_order(plain(several, decode), prompts)
    assert answers_in_order(packed(several, decode), prompts) == expected
    ended = [answer for answer in expected if answer.raw.endswith(often)]
    assert ended
    assert not any(answer.cut for answer in ended)
