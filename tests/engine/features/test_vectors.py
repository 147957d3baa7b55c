"""Embedding of questions and the embedding file."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from db.specs import UserError
from engine.common.images import ImageProblem, load_image
from engine.features.embedding_file import read_manifest
from engine.features.vectors import (
    Recipe,
    combined_width,
    embed_samples,
    encoder_mismatch,
    read_embeddings,
    recipe_of,
    write_embeddings,
)
from tests.helpers_vlm import Sample, save_images


class ToyEncoder:
    """Vectors that can be computed by hand; counts what it is asked."""

    name = model = "toy"
    dtype = "float32"
    width = 4

    def __init__(self, joint: bool = False, sha: str = "toy") -> None:
        self.joint = joint
        self.sha = sha
        self.seen: list[Any] = []

    def images(self, paths: Sequence[Path]) -> Tensor:
        sizes = [load_image(path).size for path in paths]
        self.seen += paths
        return torch.tensor([[w, h, 0.0, 1.0] for w, h in sizes]).reshape(len(paths), 4)

    def texts(self, texts: Sequence[str]) -> Tensor:
        self.seen += texts
        return torch.tensor([[len(text), 1.0, text.count("a"), 0.0] for text in texts]).reshape(len(texts), 4)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Five questions on three images, one question asked twice."""
    images = save_images(tmp_path, ((10, 20), (30, 10), (8, 8)))
    asked = (("what is a?", 0), ("why?", 1), ("what is a?", 2), ("who?", 0), ("a a a", 1))
    return [Sample(row, question, "x", images[image]) for row, (question, image) in enumerate(asked)]


def test_each_distinct_image_and_text_is_encoded_once_and_rows_keep_their_order(samples: list[Sample]) -> None:
    encoder = ToyEncoder()
    told: list[tuple[int, int]] = []
    made = embed_samples(encoder, samples, Recipe(), lambda done, total: told.append((done, total)))
    assert len(encoder.seen) == 3 + 4
    assert told == [(3, 7), (7, 7)]
    for row, sample in enumerate(samples):
        parts = [ToyEncoder().images([sample.image])[0], ToyEncoder().texts([sample.question])[0]]
        torch.testing.assert_close(made[row], torch.cat([normalize(part, dim=0) for part in parts]))


def test_a_shared_space_is_averaged_as_published(samples: list[Sample]) -> None:
    encoder = ToyEncoder(joint=True)
    made = embed_samples(encoder, samples[:1], Recipe())
    image, text = normalize(encoder.images([samples[0].image])), normalize(encoder.texts([samples[0].question]))
    torch.testing.assert_close(made, normalize((image + text) / 2))


@pytest.mark.parametrize(
    ("use_image", "use_text", "joint", "width"), [(1, 0, 0, 4), (0, 1, 1, 4), (1, 1, 0, 8), (1, 1, 1, 4)]
)
def test_width(samples: list[Sample], use_image: int, use_text: int, joint: int, width: int) -> None:
    encoder, recipe = ToyEncoder(bool(joint)), Recipe(bool(use_image), bool(use_text))
    assert embed_samples(encoder, samples, recipe).shape == (5, width)
    assert embed_samples(encoder, [], recipe).shape == (0, width)
    assert combined_width(encoder, recipe) == width


def test_nothing_to_embed_is_refused(samples: list[Sample]) -> None:
    with pytest.raises(UserError, match="both false"):
        embed_samples(ToyEncoder(), samples, Recipe(use_image=False, use_text=False))


def test_standardised_columns_and_the_way_through_a_manifest(samples: list[Sample]) -> None:
    encoder = ToyEncoder()
    raw = embed_samples(encoder, samples, Recipe())
    recipe = Recipe().fitted(raw)
    made = embed_samples(encoder, samples, recipe)
    moving = raw.std(0, correction=0) > 1e-6
    torch.testing.assert_close(made.mean(0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.std(0, correction=0)[moving], torch.ones(int(moving.sum())), atol=1e-4, rtol=0)
    assert torch.isfinite(made).all()
    entry = json.loads(json.dumps(recipe.describe(encoder)))
    assert recipe_of(entry) == recipe
    assert torch.equal(embed_samples(encoder, samples, recipe_of(entry)), made)
    with pytest.raises(UserError, match="made for width 8, but the encoder gives 4"):
        embed_samples(encoder, samples, Recipe(True, False, recipe.mean, recipe.deviation))


def test_a_recipe_without_statistics_goes_through_a_manifest_and_a_broken_one_is_refused() -> None:
    recipe = Recipe(use_image=False)
    assert recipe_of(recipe.describe(ToyEncoder())) == recipe
    for entry in ({}, {"use_image": True, "use_text": True, "standardize": {"mean": ["x"]}}):
        with pytest.raises(UserError, match="embed the data set again"):
            recipe_of(entry)


def test_another_encoder_is_noticed() -> None:
    entry = Recipe().describe(ToyEncoder(sha="one"))
    assert encoder_mismatch(entry, ToyEncoder(sha="one")) == ""
    assert encoder_mismatch(entry, ToyEncoder(sha="two")) == (
        "toy has changed since: its content or pixel caps were one, now they are two"
    )
    assert "without a hash" in encoder_mismatch({"encoder": "clip"}, ToyEncoder())


def test_a_bad_image_raises_or_counts_as_a_zero_vector(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "half.png").write_bytes(samples[0].image.read_bytes()[:60])
    bad = [Sample(7, "bad?", "x", tmp_path / "half.png"), Sample(8, "gone?", "x", tmp_path / "gone.png")]
    mixed = [samples[0], *bad, samples[1]]
    with pytest.raises(ImageProblem, match=r"half\.png"):
        embed_samples(ToyEncoder(), mixed, Recipe())
    problems: list[ImageProblem] = []
    made = embed_samples(ToyEncoder(), mixed, Recipe(), cache=tmp_path, problems=problems)
    assert [problem.path.name for problem in problems] == ["half.png", "gone.png"]
    assert made[1:3, :4].count_nonzero() == 0
    assert made[1:3, 4:].norm(dim=1).tolist() == pytest.approx([1, 1])
    torch.testing.assert_close(made[[0, 3]], embed_samples(ToyEncoder(), samples[:2], Recipe()))
    (tmp_path / "half.png").write_bytes(samples[0].image.read_bytes())
    (tmp_path / "gone.png").write_bytes(samples[1].image.read_bytes())
    repaired = embed_samples(ToyEncoder(), mixed, Recipe(), cache=tmp_path)
    assert repaired[1:3, :4].norm(dim=1).tolist() == pytest.approx([1, 1])


def test_finished_chunks_are_found_again(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.features.vectors.CHUNK", 2)
    stopped = ToyEncoder()
    monkeypatch.setattr(stopped, "texts", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        embed_samples(stopped, samples, Recipe(), cache=tmp_path)
    again = ToyEncoder()
    made = embed_samples(again, samples, Recipe(), cache=tmp_path)
    assert sorted(again.seen) == ["a a a", "what is a?", "who?", "why?"]
    assert torch.equal(made, embed_samples(ToyEncoder(), samples, Recipe()))
    third = ToyEncoder()
    assert torch.equal(embed_samples(third, samples, Recipe(), cache=tmp_path), made)
    assert third.seen == []
    other = ToyEncoder(sha="other")
    embed_samples(other, samples, Recipe(), cache=tmp_path)
    assert len(other.seen) == 7


def test_a_damaged_chunk_is_made_again(samples: list[Sample], tmp_path: Path) -> None:
    made = embed_samples(ToyEncoder(), samples, Recipe(), cache=tmp_path / "cache")
    for file in (tmp_path / "cache").rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:20])
    assert torch.equal(embed_samples(ToyEncoder(), samples, Recipe(), cache=tmp_path / "cache"), made)


def test_a_written_file_reads_back_with_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "new" / "embeddings.safetensors"
    train, val = torch.randn(5, 3), torch.randn(2, 3).half()
    manifest = {"embedding": {"encoder": "vlm"}, "dataset": {"train_order_sha": "abc"}, "text": "ü"}
    write_embeddings(path, {"embeddings": train, "val": val}, manifest)
    read = read_embeddings(path)
    assert torch.equal(read.candidates, train)
    assert read.queries is read.candidates
    assert read.val is not None
    assert read.val.dtype == torch.float32
    assert read.manifest == read_manifest(path) == manifest
    assert read.width == 3
    assert list(path.parent.iterdir()) == [path]


def test_queries_and_candidates_may_differ(tmp_path: Path) -> None:
    path = tmp_path / "both.safetensors"
    write_embeddings(path, {"queries": torch.ones(4, 3), "candidates": torch.zeros(6, 3) + 2}, {})
    read = read_embeddings(path)
    assert (read.queries.shape, read.candidates.shape, read.val) == ((4, 3), (6, 3), None)


def test_bare_matrices_are_read(tmp_path: Path) -> None:
    matrix = torch.randn(4, 3)
    torch.save(matrix, tmp_path / "a.pt")
    torch.save({"embeddings": matrix, "name": "x"}, tmp_path / "b.pt")
    torch.save(matrix.numpy(), tmp_path / "c.pth")
    np.save(tmp_path / "d.npy", matrix.double().numpy())
    for name in ("a.pt", "b.pt", "c.pth", "d.npy"):
        read = read_embeddings(tmp_path / name)
        assert torch.equal(read.candidates, matrix), name
        assert read.manifest == {}


class Evil:
    """Would write a file if it were unpickled carelessly."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save(Evil(tmp_path / "ran"), tmp_path / "evil.pt")
    torch.save(np.array([Evil(tmp_path / "ran")], dtype=object), tmp_path / "evil.pth")
    np.save(tmp_path / "evil.npy", np.array([Evil(tmp_path / "ran")], dtype=object), allow_pickle=True)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Evil(tmp_path / "ran"), protocol=2))
    for name in ("evil.pt", "evil.pth", "evil.npy", "plain.pt"):
        with pytest.raises(UserError, match=name):
            read_embeddings(tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"embeddings": torch.ones(3)}, r"must be a matrix .* shape \(3,\)"),
        ({"embeddings": torch.ones(0, 3)}, "is empty"),
        (
            {"embeddings": torch.tensor([[1.0], [float("nan")], [float("inf")]])},
            "2 rows with NaN or infinity, the first at row 1",
        ),
        ({"weights": torch.ones(2, 2)}, "no tensor named embeddings or candidates; it has: weights"),
        ({"embeddings": torch.ones(2, 2), "val": torch.ones(2, 3)}, "different widths"),
    ],
)
def test_matrices_that_cannot_be_used(tmp_path: Path, tensors: dict[str, Tensor], said: str) -> None:
    from safetensors.torch import save_file

    save_file(tensors, tmp_path / "bad.safetensors")
    with pytest.raises(UserError, match=said) as caught:
        read_embeddings(tmp_path / "bad.safetensors")
    assert "bad.safetensors" in str(caught.value)


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt", "x.npy", "x.pth"])
@pytest.mark.parametrize("content", [b"", b"not a matrix", b"\x80\x02}"])
def test_unreadable_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        read_embeddings(tmp_path / name)


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leverplus run embed"):
        read_embeddings(tmp_path / "none.safetensors")


def test_a_place_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        write_embeddings(tmp_path / "file" / "x.safetensors", {"embeddings": torch.ones(1, 1)}, {})
