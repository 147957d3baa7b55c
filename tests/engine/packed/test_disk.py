"""Visual tokens on disk are those that were put there, or none; the next run goes without the tower and answers as the first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from db.specs import DecodeSpec
from engine.packed.images.disk import OnDisk, worth_keeping
from engine.packed.images.kept import Kept
from engine.packed.transfer import Arriving
from engine.vlm.local.loading import Loaded
from engine.vlm.local.packed import PackedVLM
from engine.vlm.protocol import answers_in_order
from tests.helpers_packed import CAPS, loaded, random_prompts, random_samples
from tests.helpers_vlm import save_tiny_qwen

TOKENS = torch.arange(2 * 3 * 4, dtype=torch.float32).view(2, 3, 4)
HEAD_BYTES = 56


def disk(root: Path, name: str = "model", dtype: torch.dtype = torch.float32, budget: int = 1 << 20) -> OnDisk:
    return OnDisk(root, name, dtype, pinned=False, budget=budget)


def kept(root: Path, *keys: str, name: str = "model", tokens: Tensor = TOKENS, budget: int = 1 << 20) -> None:
    place = disk(root, name, tokens.dtype, budget)
    for key in keys:
        place.put(key, Arriving(tokens))
    place.written()


def only_file(root: Path) -> Path:
    (file,) = (root / "model").iterdir()
    return file


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_one_run_keeps_the_next_one_reads(tmp_path: Path, dtype: torch.dtype) -> None:
    kept(tmp_path, "one", "two", tokens=TOKENS.to(dtype))
    following = disk(tmp_path, dtype=dtype)
    assert [key in following for key in ("one", "two", "three")] == [True, True, False]
    following.announce(["two", "one"])
    for key in ("one", "two"):
        found = following.take(key)
        assert found is not None
        assert torch.equal(found, TOKENS.to(dtype))


def test_what_another_process_shared_meanwhile_is_not_read_and_leaves_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.packed.images.disk.AHEAD", 1)
    kept(tmp_path, "one", "two")
    place = disk(tmp_path)
    memory = Kept(torch.device("cpu"), 1 << 20, 0, disk=place)
    assert memory.on_disk(["one", "two", "three"]) == {"one", "two"}
    memory.put({"one": TOKENS}, [0.0])
    kept_one = memory.get("one")
    assert kept_one is not None
    assert torch.equal(kept_one, TOKENS)
    found = memory.from_disk("two")
    assert found is not None
    assert torch.equal(found, TOKENS)
    assert memory.get("two") is found
    assert not place.waiting


@pytest.mark.parametrize("harm", ["cut", "longer", "flipped", "another image's", "empty", "gone"])
def test_what_is_not_sound_is_deleted_and_not_taken(tmp_path: Path, harm: str) -> None:
    kept(tmp_path, "one")
    following, file = disk(tmp_path), only_file(tmp_path)
    content = bytearray(file.read_bytes())
    match harm:
        case "cut":
            file.write_bytes(content[:-1])
        case "longer":
            file.write_bytes(content + b"x")
        case "flipped":
            content[HEAD_BYTES + 5] ^= 1
            file.write_bytes(content)
        case "another image's":
            kept(tmp_path / "other", "two")
            file.write_bytes(only_file(tmp_path / "other").read_bytes())
        case "empty":
            file.write_bytes(b"")
        case "gone":
            file.unlink()
    assert following.take("one") is None
    assert "one" not in following
    assert not file.exists()


def test_what_was_not_read_for_longest_goes_first_whatever_model_it_is_of(tmp_path: Path) -> None:
    size = HEAD_BYTES + TOKENS.nbytes
    kept(tmp_path, "a", name="another model")
    kept(tmp_path, "b", "c")
    for age, file in enumerate(sorted(tmp_path.rglob("*/*"), key=lambda one: one.stat().st_mtime_ns)):
        os.utime(file, (1000 + age, 1000 + age))
    first = disk(tmp_path)
    assert first.take("b") is not None  # the newest now
    last = disk(tmp_path, budget=3 * size)
    last.put("d", Arriving(TOKENS))
    last.put("e", Arriving(TOKENS))
    last.written()
    following = disk(tmp_path)
    assert [key in following for key in "bcde"] == [True, False, True, True]
    assert "a" not in disk(tmp_path, "another model")


def test_what_does_not_fit_or_cannot_be_written_is_not_kept(tmp_path: Path) -> None:
    kept(tmp_path, "one", budget=HEAD_BYTES + TOKENS.nbytes - 1)
    assert "one" not in disk(tmp_path)
    (tmp_path / "file").write_text("")
    place = OnDisk(tmp_path / "file" / "below", "model", torch.float32, pinned=False)
    place.put("one", Arriving(TOKENS))
    place.written()
    assert place.take("one") is None


def test_a_disk_that_turns_full_ends_keeping_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    place = disk(tmp_path)
    monkeypatch.setattr("engine.packed.images.disk.replacing", full)
    place.put("one", Arriving(TOKENS))
    place.written()
    monkeypatch.undo()
    place.put("two", Arriving(TOKENS))
    place.written()
    assert "two" not in disk(tmp_path)


def test_images_of_real_towers_are_worth_keeping_and_of_hardly_any_tower_not() -> None:
    gpu = torch.device("cuda")
    assert worth_keeping(2.07e12, 1_600_000, gpu)  # 640x480 pixels, Qwen2.5-VL of 3 billion parameters
    assert not worth_keeping(2.07e12, 6_400_000, gpu)  # the same tower before a language model of 72 billion
    assert worth_keeping(7e6, 400, torch.device("cpu"))  # the built-in model
    assert not worth_keeping(2e4, 400, torch.device("cpu"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded(save_tiny_qwen(tmp_path_factory.mktemp("qwen")))


def run(model: Loaded, place: Path) -> PackedVLM:
    return PackedVLM(model, decode=DecodeSpec(), batch_size=8, pixels=CAPS, disk=place)


def test_a_second_run_goes_without_the_tower_and_answers_the_same(model: Loaded, tmp_path: Path) -> None:
    prompts = random_prompts(random_samples(tmp_path), 40, seed=8, most_shots=3)
    place = tmp_path / "visual_tokens" / "version"
    first = run(model, place)
    expected = answers_in_order(first, prompts)
    assert first.engine.features.kept.disk is not None
    first.engine.features.kept.disk.written()
    second = run(model, place)
    assert answers_in_order(second, prompts) == expected
    facts = second.facts()
    assert facts["engine_images_encoded"] == 0
    assert facts["engine_images_from_disk"] == first.facts()["engine_images_encoded"] > 0
    for at, file in enumerate(sorted(place.iterdir())):
        file.write_bytes(file.read_bytes()[: -1 - at % 2] + b"?" * (at % 2))
    third = run(model, place)
    assert answers_in_order(third, prompts) == expected
    assert third.facts()["engine_images_encoded"] == first.facts()["engine_images_encoded"]
    assert "engine_images_from_disk" not in third.facts()
