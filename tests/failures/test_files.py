"""Failures that a file tells: checkpoints, RL data, sampler caches and tables, each with a twin that is sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.doctor.examine import examine
from tests import helpers_checkpoints as make
from tests import helpers_rl

Written = Callable[[Path, bool], tuple[Path, dict[str, str]]]
"""(folder, whether it is to be the failure) -> the file, and what is expected of it."""


def converter_renames_the_only_layer(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """The v3 converter writes names of the single-layer code: 40 % of the weights stay random, without a word."""
    tensors = make.make_tensors("v3")
    if sick:
        return make.write_converted(folder / "v3_v2format.ckpt", tensors), {}
    return make.write_upstream(folder / "v3.pt", tensors), {}


def converter_drops_two_layers(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """A three-layer selector comes out of the converter with one layer; the request says three."""
    tensors = make.make_tensors("v3", num_layers=3)
    path = folder / "three.ckpt"
    kept = make.without(tensors, *(f"{stem}.{n}" for stem in ("cross_attn_layers", "attn_norms") for n in (1, 2)))
    return make.write_bare(path, kept if sick else tensors), {"num_layers": "3"}


def converter_drops_the_diversity_head(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """V4-7 was published although its determinantal head had never been loaded."""
    tensors = make.make_tensors("v4_7")
    if sick:
        return make.write_converted(folder / "v47.ckpt", tensors, "v4_7"), {"variant": "v4_7"}
    return make.write_upstream(folder / "v47.pt", tensors, "v4_7"), {"variant": "v4_7"}


def labels_modulo_the_pool(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """Train rows modulo 2 as labels: one label twice, the second behind the mask, and `val=21.98` in every name."""
    name = "v2_epoch=19_train=20.41_val=21.98.ckpt" if sick else "v2_epoch=19_train=3.90_val=4.02.ckpt"
    return make.write_lightning(folder / name, make.make_tensors("v2"), clip=False), {}


def graded(accuracies: list[list[float]]) -> helpers_rl.Document:
    """R2 data of one group a row, one candidate an accuracy."""
    document = helpers_rl.strict(len(accuracies), len(accuracies[0]))
    for record, row in zip(records(document), accuracies, strict=True):
        for candidate, accuracy in zip(record["pointer_candidates"], row, strict=True):
            candidate |= {"vqa_acc_score": accuracy, "vqa_correct": int(accuracy > 0)}
    return document


def records(document: helpers_rl.Document) -> list[helpers_rl.Record]:
    return [record for key, record in document.items() if key != "_meta"]


def candidates(document: helpers_rl.Document) -> list[helpers_rl.Record]:
    return [candidate for record in records(document) for candidate in record["pointer_candidates"]]


def sound() -> helpers_rl.Document:
    return graded([[1.0, 0.0, 0.6, 0.0]] * 10)


def rl(folder: Path, document: helpers_rl.Document) -> tuple[Path, dict[str, str]]:
    return helpers_rl.write(folder / "rl.json", document), {}


def proposals_of_an_unloaded_policy(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """The generator loaded no tensor of its supervised checkpoint; its beams are random picks."""
    document = sound()
    for record in records(document):
        for place, candidate in enumerate(record["pointer_candidates"]):
            candidate["logprob_score"] = -8.3 - place * (0.003 if sick else 0.8)
    return rl(folder, document)


def a_prompt_without_the_question(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """The template said {question}, the substitution looked for <question>."""
    document = sound()
    for number, candidate in enumerate(candidates(document)):
        asked = "{question}" if sick else f"what is bird {number}?"
        candidate["vqa_prompt_text"] = f"Question:{asked} Short answer:"
    return rl(folder, document)


def one_positive_in_a_thousand(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """7 of 6,400 candidates right: an advantage deviation of 0.00625, and eleven sweeps over learning rates."""
    return rl(folder, graded([[1.0, 0.0]] * (1 if sick else 60) + [[0.0, 0.0]] * (199 if sick else 40)))


def two_index_spaces_in_one_file(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """Repaired groups where some pointers still count over all train rows and the others inside the pool."""
    document = helpers_rl.pooled()
    for candidate in records(document)[4]["pointer_candidates"][:2] if sick else []:
        candidate["pointer"] = candidate.pop("pointer_global")
    return rl(folder, document)


def labels_that_nobody_verified(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """Positives of another query injected as truth, to lift the positive rate."""
    document = sound()
    for candidate in candidates(document)[:8]:
        candidate |= {"gen_method": "global_positive_transfer" if sick else "beam"}
    return rl(folder, document)


def substring_scores(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """Where the official metric failed, an answer counted when it stood in a reference; the empty one stands in all."""
    document = sound()
    for candidate in candidates(document)[: 8 if sick else 0]:
        candidate |= {"vqa_eval_mode": "fallback"}
    return rl(folder, document)


def answers_of_no_text(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """8 % of the answers were empty after a post-processing that cuts at the prompt's own words."""
    document = graded([[1.0, 0.0, 0.6, 0.0, 0.0]] * 20)
    for candidate in candidates(document)[: 8 if sick else 1]:
        candidate |= {"vqa_pred_answer": "", "vqa_acc_score": 0.0, "vqa_correct": 0}
    return rl(folder, document)


def a_query_that_demonstrates_itself(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """The query's own row among its demonstrations, answer included."""
    document = sound()
    if sick:
        for candidate in records(document)[3]["pointer_candidates"]:
            candidate["pointer"] = candidate["pointer_pos"] = [3, 40]
    return rl(folder, document)


def a_cache_of_some_encoder(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """The name of a sampler's cache tells neither encoder nor ratio: a stale one is taken up."""
    kind = "MixSampler" if sick else "RandSampler"
    path = folder / f"okvqa-{kind}-anchor_sample_num: 3:4.json"
    path.write_text('{"0": [1, 2, 3, 4], "1": [0, 2, 3, 4], "2": [0, 1, 3, 4]}')
    return path, {}


def figures_under_the_wrong_heading(folder: Path, sick: bool) -> tuple[Path, dict[str, str]]:
    """48 published figures cannot belong to the number of questions that they are printed under."""
    figures = ("50.59", "51.43") if sick else ("50.60", "51.40")
    rows = ", ".join(f'{{"n": 100, "shot": {shot}, "accuracy": {a}}}' for shot, a in enumerate(figures, 1))
    path = folder / "matrices.json"
    path.write_text(f'[{{"label": "v1", "dataset": "OKVQA", "vlm": "q", "sampler": "s", "rows": [{rows}]}}]')
    return path, {}


FAILURES: tuple[tuple[str, Written], ...] = (
    ("legacy-keys", converter_renames_the_only_layer),
    ("layers-missing", converter_drops_two_layers),
    ("head-missing", converter_drops_the_diversity_head),
    ("labels-forbidden", labels_modulo_the_pool),
    ("policy-uniform", proposals_of_an_unloaded_policy),
    ("placeholder-literal", a_prompt_without_the_question),
    ("signal-rate-low", one_positive_in_a_thousand),
    ("index-space-mixed", two_index_spaces_in_one_file),
    ("unverified-transfer", labels_that_nobody_verified),
    ("fallback-share", substring_scores),
    ("empty-answers", answers_of_no_text),
    ("self-demonstration", a_query_that_demonstrates_itself),
    ("cache-unverifiable", a_cache_of_some_encoder),
    ("off-lattice", figures_under_the_wrong_heading),
)


def wrong(path: Path, expect: dict[str, str]) -> dict[str, str]:
    """Code -> message of everything that is more than worth knowing."""
    return {f.code: f.message for f in examine(path, expect=expect).findings if f.severity != "info"}


@pytest.mark.parametrize(("code", "written"), FAILURES, ids=[made.__name__ for _, made in FAILURES])
def test_the_failure_is_named_and_its_twin_is_silent(code: str, written: Written, tmp_path: Path) -> None:
    for name in ("sick", "sound"):
        (tmp_path / name).mkdir()
    assert code in wrong(*written(tmp_path / "sick", True))
    assert wrong(*written(tmp_path / "sound", False)) == {}
