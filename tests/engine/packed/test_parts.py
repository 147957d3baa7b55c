"""Parts of the packed engine against transformers' own: pixels, windows, positions, logits, log-probabilities, families."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.common.images import ImageProblem
from engine.packed.engine import Ask
from engine.packed.images.encoding import Reader
from engine.packed.images.kept import Kept
from engine.packed.images.reading import ImageFile, Sizing
from engine.packed.model.memory import KeyValues
from engine.packed.model.tower import OwnTower, order
from engine.packed.model.weights import unsupported
from engine.packed.model.whole_tower import WholeTower
from engine.packed.prefill import relative_positions
from engine.vlm.local.loading import Loaded
from engine.vlm.local.plain import LocalVLM
from engine.vlm.local.processor import PatchEncoder
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import always, answers_in_order
from tests.helpers_packed import CAPS, loaded, packed, plain, random_prompts, random_samples
from tests.helpers_vlm import Sample, save_tiny_llava, save_tiny_qwen, save_tiny_qwen2, save_tiny_qwen3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded(save_tiny_qwen(tmp_path_factory.mktemp("qwen")))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return random_samples(tmp_path_factory.mktemp("pictures"))


def own_logits(vlm: LocalVLM, prompt: Prompt) -> Tensor:
    """Scores of the first answer token by the model's own forward pass."""
    assert isinstance(vlm.encoder, PatchEncoder)
    inputs = vlm.encoder.inputs([vlm.encoder.encode(prompt)])
    placed = {name: vlm.loaded.place(value) for name, value in inputs.items()}
    with torch.inference_mode():
        scores: Tensor = vlm.loaded.model(**placed).logits[0, -1]
    return scores


def test_pixels_equal_the_processors_to_the_bit(model: Loaded, samples: list[Sample]) -> None:
    features = packed(model, DecodeSpec()).engine.features
    encoder = PatchEncoder(model.processor)
    for sample in samples[:9]:
        for caps in (CAPS, (3136, 28 * 28 * 12)):
            source = ImageFile(sample.image, *caps)
            image = features.reader.read(source)
            expected = encoder.pixels(encoder.key(sample.image, *caps))
            assert torch.equal(features.reader.pixels.patches([image]), expected.patches)
            assert features.reader.pixels.grid(source) == tuple(expected.grid[0, 1:].tolist())


def test_windows_and_positions_are_those_of_transformers() -> None:
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as theirs

    grids = [(4, 4), (2, 10), (18, 6), (10, 14), (8, 8)]
    placed = order(grids, window=4, merge=2)
    thw = torch.tensor([(1, *grid) for grid in grids])
    index, windows = theirs.get_vision_window_index(thw, 2, 112, 14)
    assert torch.equal(placed.by_window, index)
    assert [start for start in placed.windows.tolist()] == [*dict.fromkeys(windows.tolist())]
    assert torch.equal(placed.positions, theirs.get_vision_position_ids(thw, 2))
    assert placed.images.tolist() == [0, 16, 36, 144, 284, 348]


@pytest.mark.parametrize("grid", [(1, 1), (2, 5), (7, 3)])
def test_rotary_positions_are_those_of_transformers(model: Loaded, grid: tuple[int, int]) -> None:
    kinds = torch.tensor([[0, *([1] * (grid[0] * grid[1])), 0, 0, 0]])
    thw = torch.tensor([(1, 2 * grid[0], 2 * grid[1])])
    theirs, _ = model.model.model.get_rope_index(torch.zeros_like(kinds), kinds, image_grid_thw=thw)
    ours, span = relative_positions(grid, 3)
    assert torch.equal(theirs[:, 0, 1:], ours + 1)
    assert span == max(grid) + 3


def test_visual_tokens_equal_the_towers(model: Loaded, samples: list[Sample]) -> None:
    paths = [sample.image for sample in samples]
    torch.testing.assert_close(
        packed(model, DecodeSpec()).embed_images(paths), plain(model, DecodeSpec()).embed_images(paths)
    )


def test_logits_equal_those_of_the_model(model: Loaded, samples: list[Sample]) -> None:
    prompts = random_prompts(samples, 20, seed=2)
    vlm = packed(model, DecodeSpec())
    found = vlm.engine.logits([vlm.path(prompt) for prompt in prompts])
    expected = torch.stack([own_logits(vlm, prompt) for prompt in prompts])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert expected.std(0).max() > 0.01  # the prompts differ


def test_another_first_image_moves_the_logits(model: Loaded, samples: list[Sample]) -> None:
    vlm = packed(model, DecodeSpec())
    spec = PromptSpec()
    shown = [build(spec, [samples[at], samples[4]], samples[5]) for at in (0, 9)]
    other = build(spec, [Sample(1, samples[0].question, samples[0].label, samples[3].image), samples[4]], samples[5])
    found = vlm.engine.logits([vlm.path(prompt) for prompt in (shown[0], other)])
    assert (found[0] - found[1]).norm() / found[0].norm() > 0.01


def test_log_probabilities_of_references_equal_a_whole_forward(model: Loaded, samples: list[Sample]) -> None:
    prompts = random_prompts(samples, 6, seed=5, most_shots=3)
    vlm = packed(model, DecodeSpec())
    references = ((5,), (7, 8, 9), (40, 41))
    asked = [Ask(vlm.path(prompt), answer=False, references=references) for prompt in prompts]
    found = [reply for group in vlm.engine.answer(asked, always) for reply in group.items()]
    assert [reply.tokens for _, reply in found] == [()] * len(prompts)
    for at, reply in found:
        for tokens, score in zip(references, reply.log_probs, strict=True):
            assert score == pytest.approx(whole_forward(vlm, prompts[at], tokens), abs=1e-4)
    assert vlm.engine.language.memory.free == vlm.engine.language.memory.size


def whole_forward(vlm: LocalVLM, prompt: Prompt, tokens: tuple[int, ...]) -> float:
    """Log-probability of an answer by reading prompt and answer in one pass."""
    assert isinstance(vlm.encoder, PatchEncoder)
    inputs = vlm.encoder.inputs([vlm.encoder.encode(prompt)])
    answer = torch.tensor([tokens])
    for name, more in (("input_ids", answer), ("attention_mask", answer * 0 + 1), ("mm_token_type_ids", answer * 0)):
        inputs[name] = torch.cat((inputs[name], more), 1)
    with torch.inference_mode():
        scores = vlm.loaded.model(**inputs).logits[0, -1 - len(tokens) : -1].log_softmax(-1)
    return float(scores.gather(1, answer[0, :, None]).sum())


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("save", [save_tiny_qwen2, save_tiny_qwen3])
def test_other_families_answer_as_generate_does(tmp_path: Path, samples: list[Sample], save: type, beams: int) -> None:
    other = loaded(save(tmp_path))
    prompts = random_prompts(samples, 12, seed=7, most_shots=4)
    assert unsupported(other.model, other.processor) == ""
    decode = DecodeSpec(num_beams=beams)
    plainly = plain(other, decode)
    plainly._tower = None  # generate encodes the images itself
    expected = answers_in_order(plainly, prompts)
    vlm = packed(other, decode)
    assert answers_in_order(vlm, prompts) == expected
    assert len({answer.raw for answer in expected}) > 3
    found = vlm.engine.logits([vlm.path(prompt) for prompt in prompts])
    torch.testing.assert_close(found, torch.stack([own_logits(vlm, one) for one in prompts]), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("save", "depth"), [(save_tiny_qwen2, 1), (save_tiny_qwen3, 3)])
def test_towers_that_read_whole_images_make_what_the_models_own_make(tmp_path: Path, save: type, depth: int) -> None:
    other = loaded(save(tmp_path))
    tower, own = packed(other, DecodeSpec()).engine.features.tower, OwnTower(other.model)
    assert isinstance(tower, WholeTower)
    grids = [(2, 2), (4, 10), (20, 2), (6, 8), (16, 16)]
    values = tower.weights.patches.weight.shape[1]
    patches = torch.randn(sum(rows * columns for rows, columns in grids), values)
    with torch.inference_mode():
        found, expected = tower(patches, grids), own(patches, grids)
    for one, two, (rows, columns) in zip(found, expected, grids, strict=True):
        assert one.shape == (depth, rows * columns // 4, 32)
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)


def test_what_cannot_run_is_told_by_name(model: Loaded, tmp_path: Path) -> None:
    assert unsupported(model.model, model.processor) == ""
    llava = loaded(save_tiny_llava(tmp_path))
    assert unsupported(llava.model, llava.processor) == "llava models are not among qwen2_vl, qwen2_5_vl, qwen3_vl"
    windows = loaded(save_tiny_qwen(tmp_path / "sliding"))
    windows.model.config.get_text_config().layer_types[1] = "sliding_attention"
    assert "sliding window" in unsupported(windows.model, windows.processor)


def test_the_models_own_weights_become_views_of_the_fused_ones(tmp_path: Path, samples: list[Sample]) -> None:
    fused = loaded(save_tiny_qwen(tmp_path))
    prompt = build(PromptSpec(), samples[:2], samples[2])
    before = own_logits(plain(fused, DecodeSpec()), prompt)
    layer = packed(fused, DecodeSpec()).engine.language.weights.layers[0]
    attention = fused.model.model.language_model.layers[0].self_attn
    for part in (attention.q_proj, attention.k_proj, attention.v_proj):
        assert part.weight.untyped_storage().data_ptr() == layer.qkv.weight.untyped_storage().data_ptr()
    torch.testing.assert_close(own_logits(plain(fused, DecodeSpec()), prompt), before, atol=1e-6, rtol=0)


def test_slots_are_taken_and_given_back() -> None:
    memory = KeyValues(10, layers=1, heads=1, width=2, dtype=torch.float32, device=torch.device("cpu"))
    first, second = memory.take(4), memory.take(6)
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(10))
    with pytest.raises(torch.OutOfMemoryError, match="1 tokens do not fit"):
        memory.take(1)
    memory.give_back(first)
    assert sorted(memory.take(4).tolist()) == sorted(first.tolist())


def test_visual_tokens_leave_the_device_first_and_the_host_last() -> None:
    kept = Kept(torch.device("cpu"), on_device=2 * 40, on_host=1 * 40)
    for at in range(4):
        kept.put({str(at): torch.full((10,), float(at))}, [1.0])
    assert [str(at) in kept for at in range(4)] == [False, True, True, True]
    again = kept.get("1")
    assert again is not None
    assert again.tolist() == [1.0] * 10
    assert kept.get("0") is None
    assert [str(at) in kept for at in range(4)] == [False, True, True, True]


def test_what_is_on_the_device_already_is_not_sent_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device asked for without its number is not equal to that of its tensors."""

    def sent(*_: object) -> Tensor:
        raise AssertionError("the tokens are there")

    monkeypatch.setattr("engine.packed.images.kept.send", sent)
    kept = Kept(torch.device("cpu", 0), 1000, 0)
    kept.put({"image": torch.ones(1, 2, 3)}, [1.0])
    found = kept.get("image")
    assert found is not None
    assert found.sum() == 6


def test_a_read_ahead_that_is_not_needed_is_forgotten(model: Loaded, samples: list[Sample], tmp_path: Path) -> None:
    features = packed(model, DecodeSpec()).engine.features
    missing = ImageFile(tmp_path / "no.png", *CAPS)
    features.reader.announce({"a": ImageFile(samples[0].image, *CAPS), "b": missing})
    with pytest.raises(ImageProblem, match="does not exist"):
        features.reader.take("b", missing)
    features.reader.forget()
    assert features.reader.take("a", ImageFile(samples[0].image, *CAPS)).shape[2] == 3


def test_processes_read_what_threads_read_and_say_what_is_wrong(
    model: Loaded, samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tensor, "pin_memory", lambda self: self)  # needs a GPU
    pixels = packed(model, DecodeSpec()).engine.features.reader.pixels
    beside, inside = Reader(pixels, processes=True, workers=2), Reader(pixels, processes=False)
    broken = ImageFile(tmp_path / "broken.jpg", *CAPS)
    broken.path.write_text("no picture")
    beside.announce({str(at): ImageFile(sample.image, *CAPS) for at, sample in enumerate(samples[:5])})
    with pytest.raises(ImageProblem, match="not an image file"):
        beside.take("broken", broken)
    for at, sample in enumerate(samples[:5]):
        source = ImageFile(sample.image, *CAPS)
        assert torch.equal(beside.take(str(at), source), inside.read(source))


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.integers(1, 5000),
    st.integers(5000, 10**7),
    st.sampled_from([28, 32]),
)
def test_sizes_are_those_of_the_processor(height: int, width: int, least: int, most: int, unit: int) -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    assume(max(height, width) / min(height, width) <= 200)
    source = ImageFile(Path("x"), least, most)
    assert Sizing(unit, 3).fitted(source, height, width) == smart_resize(height, width, unit, least, most)
