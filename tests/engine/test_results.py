"""Controls that are missing, and controls that are not beaten."""

from __future__ import annotations

from engine.doctor.results import Measured, control_not_beaten, missing_baselines
from engine.doctor.statistics import paired


def cell(run: str, retriever: str, shot: int, subset: str = "s") -> Measured:
    return Measured(run, retriever, "d", "m", subset, "first 100", shot)


CONTROLS = [cell("r1", "zero-shot", 0), cell("r2", "random", 2), cell("r3", "fixed", 2)]


def test_a_selector_with_all_controls_gives_no_finding() -> None:
    assert missing_baselines([*CONTROLS, cell("r4", "selector", 2)]) == []


def test_shot_0_of_any_retriever_is_the_zero_shot_control() -> None:
    assert missing_baselines([*CONTROLS[1:], cell("r2", "random", 0), cell("r4", "selector", 2)]) == []


def test_each_missing_control_is_named() -> None:
    (finding,) = missing_baselines([CONTROLS[0], CONTROLS[1], cell("r4", "selector", 2), cell("r4", "selector", 4)])
    assert finding.code == "baseline-missing"
    assert "random at 4, fixed at 2, fixed at 4" in finding.message


def test_controls_on_other_questions_do_not_count() -> None:
    assert missing_baselines([*CONTROLS, cell("r4", "selector", 2, subset="t")])[0].subject == "r4"


def test_controls_themselves_need_no_control() -> None:
    assert missing_baselines(CONTROLS[:1]) == []


def test_findings_can_be_restricted_to_runs() -> None:
    cells = [cell("r4", "selector", 2), cell("r5", "t2t", 2)]
    assert [f.subject for f in missing_baselines(cells, ["r5"])] == ["r5"]


def test_a_control_is_beaten_only_distinguishably() -> None:
    control = dict.fromkeys(range(100), 0.0)
    clear = paired(control, {q: float(q < 30) for q in control})
    noise = paired(control, {q: 1.0 if q < 5 else -1.0 if q < 8 else 0.0 for q in control})
    assert control_not_beaten("r4", "random", 2, clear) == []
    assert control_not_beaten("r4", "random", 2, noise)[0].code == "control-not-beaten"
