"""Controls that are missing, and controls that are not beaten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from db.specs import Finding
from engine.doctor import runs as results
from engine.doctor.runs import Measured, control_not_beaten
from engine.statistics.intervals import p_phrase, p_text
from engine.statistics.paired import paired


def cell(run: str, retriever: str, shot: int, subset: str = "s") -> Measured:
    return Measured(run, retriever, "d", "m", subset, "first 100", shot)


def missing_baselines(cells: Iterable[Measured], runs: Iterable[str] | None = None) -> list[Finding]:
    """With commands that name what they were asked for."""

    def command(run: str, control: str, shots: Sequence[int]) -> str:
        return f"{run} {control} {list(shots)}"

    return results.missing_baselines(cells, runs, command=command)


CONTROLS = [cell("r1", "zero-shot", 0), cell("r2", "random", 2), cell("r3", "fixed", 2)]


CONTROLS += [cell("r5", "qi2qi", 2), cell("r6", "untrained", 2)]


def test_an_untrained_selector_is_a_control_of_its_own_recipe_only() -> None:
    other = replace(cell("r7", "selector", 2), variant="v3")
    [lacking] = missing_baselines([*CONTROLS, other])
    assert lacking.fix == "r7 untrained [2]"
    assert missing_baselines([*CONTROLS, other, replace(cell("r8", "untrained", 2), variant="v3")]) == []


def test_a_rule_needs_no_controls_of_training() -> None:
    assert missing_baselines([*CONTROLS[:3], cell("r4", "mmices", 2)]) == []


def test_a_selector_with_all_controls_gives_no_finding() -> None:
    assert missing_baselines([*CONTROLS, cell("r4", "selector", 2)]) == []


def test_shot_0_of_any_retriever_is_the_zero_shot_control() -> None:
    assert missing_baselines([*CONTROLS[1:], cell("r2", "random", 0), cell("r4", "selector", 2)]) == []


def test_each_missing_control_is_a_finding_with_its_own_command() -> None:
    cells = [CONTROLS[0], CONTROLS[1], cell("r4", "mmr", 2), cell("r4", "mmr", 4)]
    random, fixed = missing_baselines(cells)
    assert {random.code, fixed.code} == {"baseline-missing"}
    assert random.message.startswith("No random run at 4 shots on the same questions (first 100)")
    assert fixed.message.startswith("No fixed run at 2 and 4 shots")
    assert (random.fix, fixed.fix) == ("r4 random [4]", "r4 fixed [2, 4]")


def test_only_what_lacks_is_advised() -> None:
    cells = [cell("r2", "random", 2), cell("r5", "qi2qi", 2), cell("r4", "selector", 2)]
    assert [finding.fix for finding in missing_baselines(cells)] == [
        "r4 zero-shot [0]",
        "r4 fixed [2]",
        "r4 untrained [2]",
    ]


def test_a_control_that_lacks_on_two_sets_is_one_finding() -> None:
    cells = [cell("r4", "t2t", 1, subset) for subset in ("s", "t")]
    findings = missing_baselines(cells)
    assert [finding.fix for finding in findings] == ["r4 zero-shot [0]", "r4 random [1]", "r4 fixed [1]"]
    assert "at 1 shot on" in findings[1].message


def test_p_values_are_written_one_way() -> None:
    assert [p_text(p) for p in (1e-5, 9.99e-5, 1e-4, 0.0312, 1.0)] == ["<.0001", "<.0001", "0.0001", "0.0312", "1.0000"]
    assert (p_phrase(1e-5), p_phrase(0.0312)) == ("p < .0001", "p = 0.0312")


def test_controls_on_other_questions_do_not_count() -> None:
    assert missing_baselines([*CONTROLS, cell("r4", "selector", 2, subset="t")])[0].subject == "r4"


def test_controls_themselves_need_no_control() -> None:
    assert missing_baselines(CONTROLS[:1]) == []


def test_findings_can_be_restricted_to_runs() -> None:
    cells = [cell("r4", "selector", 2), cell("r5", "t2t", 2)]
    assert {f.subject for f in missing_baselines(cells, ["r5"])} == {"r5"}


def test_a_control_is_beaten_only_distinguishably() -> None:
    control = dict.fromkeys(range(100), 0.0)
    clear = paired(control, {q: float(q < 30) for q in control})
    noise = paired(control, {q: 1.0 if q < 5 else -1.0 if q < 8 else 0.0 for q in control})
    assert control_not_beaten("r4", "random", 2, clear) == []
    assert control_not_beaten("r4", "random", 2, noise)[0].code == "control-not-beaten"
    assert "random (r1), which ignores the query" in control_not_beaten("r4", "random (r1)", 2, noise)[0].message
    assert "the same selector before its training" in control_not_beaten("r4", "untrained", 2, noise)[0].message
