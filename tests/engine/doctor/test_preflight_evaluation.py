"""Preflight of an evaluation: the selector that the job would load, and what it was trained on, against the request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from db.specs import DecodeSpec, EvalSpec, GenerateSpec
from engine.data.official import open_official
from engine.demo import shipped
from engine.doctor.preflight import preflight
from tests import helpers_checkpoints as make
from tests import helpers_rl
from tests.helpers_data import write_official
from tests.helpers_preflight import WIDTH, codes, levels, message, published, trained


@pytest.fixture(autouse=True)
def cached_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIP B/32 is in the hub cache, nothing else is."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "models--clip--b32"
    (folder / "snapshots" / "newest").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("newest")
    (folder / "snapshots" / "newest" / "config.json").write_text(json.dumps({"projection_dim": 20}))


def test_the_shipped_selector_gives_no_finding() -> None:
    for spec in (EvalSpec(), EvalSpec(retriever="selector", selector="builtin", shots=(1, 2))):
        result = preflight(spec)
        assert (result.findings, levels(result)["prompt"], levels(result)["decode"]) == ([], "ok", "ok")


def test_more_shots_than_trained_block_a_selector_that_was_named_and_not_the_default() -> None:
    unnamed = preflight(EvalSpec(shots=(2, 4)))
    assert (unnamed.blocked, levels(unnamed)["shots asked"]) == (False, "warn")
    assert "where 4 are asked for it shows 2" in message(unnamed, "shots-beyond-trained")
    named = preflight(EvalSpec(shots=(2, 4), selector="builtin"))
    assert (named.blocked, levels(named)["shots"]) == (True, "block")


@pytest.mark.parametrize("fields", [{}, {"retriever": "selector"}, {"selector": "builtin"}])
def test_a_pool_of_two_blocks_however_the_selector_is_named(fields: dict[str, str]) -> None:
    result = preflight(EvalSpec.model_validate({"pool": "first", "pool_size": 2, **fields}))
    assert ("pool-size" in codes(result), levels(result)["pool size"]) == (True, "block")


def test_no_selector_is_looked_at_where_none_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preflight(EvalSpec(shots=(0,), pool="first", pool_size=2)).checks == []
    assert preflight(EvalSpec(retriever="fixed", selector="gone.pt")).checks == []
    monkeypatch.setattr(shipped, "selector_path", lambda dataset: None)
    assert preflight(EvalSpec()).checks == []
    assert "not-found" in codes(preflight(EvalSpec(retriever="selector")))


def test_a_published_checkpoint_warns_only_that_its_encoder_is_not_recorded(tmp_path: Path) -> None:
    result = preflight(EvalSpec(selector=str(published(tmp_path / "a.pt"))))
    assert codes(result) == {"encoder-unverified"}
    assert levels(result) | {"encoder": "ok"} == dict.fromkeys(levels(result), "ok")
    assert {"checkpoint", "variant", "num layers", "shots", "d model"} <= levels(result).keys()


def test_old_names_warn_because_they_are_loaded_exactly(tmp_path: Path) -> None:
    path = make.write_converted(tmp_path / "w_v2format.ckpt", make.make_tensors(d_model=WIDTH))
    result = preflight(EvalSpec(selector=str(path)))
    assert (result.blocked, levels(result)["checkpoint"]) == (False, "warn")
    assert codes(result) == {"legacy-keys", "encoder-unverified"}


def test_another_width_than_the_features_that_it_will_get_blocks(tmp_path: Path) -> None:
    result = preflight(EvalSpec(selector=str(published(tmp_path / "a.pt", d_model=512))))
    assert f"d_model={WIDTH}, but it was trained on embeddings 512 wide" in message(result, "d-model")
    clip = trained(tmp_path / "b.safetensors", encoder="clip/b32", width=24)
    assert "d_model=20" in message(preflight(EvalSpec(selector=str(clip))), "d-model")
    assert "d-model" in codes(preflight(GenerateSpec(selector=str(published(tmp_path / "c.pt", d_model=512)))))


def test_a_selector_is_fed_by_its_own_encoder_unless_another_is_named(tmp_path: Path) -> None:
    path = str(trained(tmp_path / "a.safetensors", encoder="clip/b32", width=20))
    assert preflight(EvalSpec(selector=path)).findings == []
    named = preflight(EvalSpec(selector=path, encoder="clip/b16"))
    assert "trained on embeddings of clip/b32, the request embeds with clip/b16" in message(named, "encoder-unverified")
    unknown = preflight(EvalSpec(selector=str(published(tmp_path / "b.pt", d_model=20)), encoder="clip/b32"))
    assert levels(unknown)["encoder"] == "warn"


def test_an_encoder_that_is_not_here_or_only_answers_blocks(tmp_path: Path) -> None:
    path = str(trained(tmp_path / "a.safetensors", encoder="clip/l14"))
    assert codes(preflight(EvalSpec(selector=path))) == {"not-found"}
    server = EvalSpec(vlm="http://host/v1", selector=str(published(tmp_path / "b.pt")))
    assert "no-features" in codes(preflight(server))


def test_prompt_and_decoding_of_training_are_held_against_the_evaluation(tmp_path: Path) -> None:
    asked = EvalSpec()
    alike = trained(tmp_path / "a.safetensors")
    assert preflight(asked.model_copy(update={"selector": str(alike)})).findings == []
    other = trained(tmp_path / "b.safetensors", made={"prompt_sha": "0" * 64, "decode_sha": "1" * 64})
    result = preflight(asked.model_copy(update={"selector": str(other)}))
    assert codes(result) == {"prompt-mismatch", "decode-mismatch"}
    assert (levels(result)["prompt"], levels(result)["decode"]) == ("warn", "warn")


def test_decoding_is_compared_field_by_field_where_it_is_recorded(tmp_path: Path) -> None:
    given = {"max_new_tokens": 50, "num_beams": 1, "length_penalty": 0, "unknown": 3}
    path = str(trained(tmp_path / "a.safetensors", made={"task_gen_args": given}))
    said = message(preflight(EvalSpec(selector=path)), "decode-mismatch")
    assert (
        "made with max_new_tokens=50, num_beams=1; this evaluation decodes with max_new_tokens=5, num_beams=3" in said
    )
    alike = EvalSpec(selector=path, decode=DecodeSpec(max_new_tokens=50, num_beams=1))
    assert preflight(alike).findings == []


def test_pools_of_training_are_held_against_those_of_the_evaluation(tmp_path: Path) -> None:
    path = str(trained(tmp_path / "a.safetensors", pool={"rule": "rand-sampler", "size": 64}))
    assert preflight(EvalSpec(selector=path, pool="rand-sampler", pool_size=64)).findings == []
    first = preflight(EvalSpec(selector=path, pool="first", pool_size=64))
    assert "pools of 64 (rand-sampler); here it gets first 64, the same for every question" in message(
        first, "pool-mismatch"
    )
    assert not first.blocked
    assert "all train questions" in message(preflight(EvalSpec(selector=path)), "pool-mismatch")
    stored = trained(
        tmp_path / "b.safetensors",
        made={"pool": {"rule": "mix-sampler", "size": 64}},
        pool={"rule": "auto", "smallest": 60, "median": 64, "largest": 64},
    )
    assert "pools of 64 (mix-sampler)" in message(preflight(EvalSpec(selector=str(stored))), "pool-mismatch")


def test_train_questions_that_were_trained_on_are_counted(tmp_path: Path) -> None:
    data = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict())
    rows = [int(key) for key in json.loads(data.read_text()) if key.isdigit()]
    path = str(trained(tmp_path / "a.safetensors", rl_data=str(data)))
    whole = preflight(EvalSpec(selector=path, split="train"))
    assert f"the selector was trained on {len(rows)} of them" in message(whole, "train-eval-overlap")
    prefix = preflight(EvalSpec(selector=path, split="train", first=(max(rows),)))
    assert f"trained on {len(rows) - 1} of them" in message(prefix, "train-eval-overlap")
    assert "train-eval-overlap" in codes(preflight(EvalSpec(selector=str(published(tmp_path / "b.pt")), split="train")))


def test_rl_data_of_a_moved_home_are_found(tmp_path: Path) -> None:
    runs = tmp_path / "home" / "runs"
    for name in ("r1", "r2/checkpoints"):
        (runs / name).mkdir(parents=True)
    data = helpers_rl.write(runs / "r1" / "rl.json", helpers_rl.strict())
    trained(runs / "r2" / "checkpoints" / "a.safetensors", rl_data=str(data))
    (tmp_path / "home").rename(tmp_path / "moved")
    path = str(tmp_path / "moved" / "runs" / "r2" / "checkpoints" / "a.safetensors")
    assert "was trained on some" not in message(preflight(EvalSpec(selector=path, split="train")), "train-eval-overlap")


def with_queries(path: Path, asked: list[tuple[int, int]]) -> Path:
    """RL data whose queries have these question and image ids."""
    document = helpers_rl.plain(queries=len(asked))
    for (question, image), (key, record) in zip(asked, list(document.items()), strict=True):
        document[key] = record | {"query": {"question_id": question, "image_id": image}}
    return helpers_rl.write(path, document)


def test_val_questions_and_images_that_were_trained_on_are_found(tmp_path: Path) -> None:
    dataset = open_official(write_official(tmp_path / "okvqa"))
    val, train = dataset.val.questions, dataset.train.questions
    seen = {
        "same.json": [(one.question_id, one.image_id) for one in val[:3]],
        "image.json": [(900 + at, one.image_id) for at, one in enumerate(val[:1])],
        "apart.json": [(one.question_id, one.image_id) for one in train[:3]],
    }
    said = {}
    for name, asked in seen.items():
        path = trained(tmp_path / f"{name}.safetensors", rl_data=str(with_queries(tmp_path / name, asked)))
        result = preflight(EvalSpec(selector=str(path), dataset=str(tmp_path / "okvqa")))
        said[name] = [finding.message for finding in result.findings if finding.code == "train-eval-overlap"]
    images = sum(one.image_id == val[0].image_id for one in val)
    assert said == {
        "same.json": [f"3 of the {len(val)} evaluated questions are questions that the selector was trained on."],
        "image.json": [
            f"{images} of the {len(val)} evaluated questions show an image that the selector was trained on."
        ],
        "apart.json": [],
    }


def test_a_rule_in_place_of_a_model_needs_features_from_elsewhere(tmp_path: Path) -> None:
    data = str(write_official(tmp_path / "okvqa"))
    assert "no-features" in codes(preflight(EvalSpec(dataset=data, vlm="majority", retriever="t2t")))
    assert codes(preflight(EvalSpec(dataset=data, vlm="majority", retriever="random"))) == set()
    assert codes(preflight(EvalSpec(vlm="majority", retriever="t2t"))) == set()


def test_a_support_that_is_not_there_blocks() -> None:
    result = preflight(EvalSpec(retriever="random", support="/nowhere"))
    assert (result.blocked, levels(result)["demonstrations"]) == (True, "block")


@pytest.mark.parametrize("retriever", ["untrained", "qi2qi"])
def test_controls_of_a_selector_are_not_what_it_was_trained_for(tmp_path: Path, retriever: str) -> None:
    path = trained(tmp_path / "a.safetensors", made={"prompt_sha": "another"}, pool={"rule": "rand-sampler"})
    spec = EvalSpec.model_validate({"selector": str(path), "retriever": retriever})
    assert codes(preflight(spec)) == set()
    assert {"prompt-mismatch", "pool-mismatch"} <= codes(preflight(EvalSpec(selector=str(path))))


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ({"system": "Answer {question} briefly."}, "{question}"),
        ({"query": "Question:{{question}} Short answer:"}, "{…}"),
        ({"demonstration": "Q:{question} <answer> {answer}"}, "<answer>"),
        ({"query": "{question} Answer:{answer}"}, "{answer}"),
    ],
)
def test_a_placeholder_that_stays_in_the_prompt_is_named(prompt: dict[str, str], shown: str) -> None:
    result = preflight(EvalSpec.model_validate({"retriever": "random", "prompt": prompt}))
    assert f"shows the model {shown}" in message(result, "placeholder-literal")
    assert "placeholder-literal" in codes(preflight(GenerateSpec.model_validate({"prompt": prompt})))


def test_a_prompt_with_other_braces_is_sound() -> None:
    prompt = {"system": "Reply as {JSON}.", "query": "Question:{question} <b>Short</b> answer:"}
    assert codes(preflight(EvalSpec.model_validate({"retriever": "random", "prompt": prompt}))) == set()


@pytest.mark.parametrize(
    ("device", "gpu", "blocked"), [("cpu", True, True), ("auto", False, True), ("auto", True, False)]
)
def test_prompts_are_read_in_fp8_on_a_gpu_alone(
    monkeypatch: pytest.MonkeyPatch, device: str, gpu: bool, blocked: bool
) -> None:
    monkeypatch.setattr("engine.doctor.preflight.machine._has_gpu", lambda: gpu)
    for prefill in ("fp8", "dtype"):
        result = preflight(EvalSpec.model_validate({"device": device, "prefill": prefill, "retriever": "random"}))
        assert ("prefill" in levels(result)) is (blocked and prefill == "fp8")
        assert result.blocked is (blocked and prefill == "fp8")
