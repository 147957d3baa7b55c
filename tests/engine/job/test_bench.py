"""`bench` asks both engines and remembers what they took; what cannot be measured is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.specs import EvalSpec
from engine.doctor.duration import estimate
from engine.job import bench


def test_both_engines_are_measured_and_remembered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = EvalSpec(device="cpu", shots=(1, 2))
    code = bench.main(["--home", str(tmp_path), "--spec", spec.model_dump_json(), "--questions", "4"])
    assert code == 0
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines()[:3]] == ["engine", "packed", "plain"]
    packed = estimate(spec, tmp_path / "cache")
    plain = estimate(EvalSpec(device="cpu", shots=(1, 2), engine="plain"), tmp_path / "cache")
    assert packed is not None
    assert plain is not None
    assert (packed.pace.engine, packed.pace.answers, packed.questions) == ("packed", 8, 500)
    assert (plain.pace.engine, plain.pace.answers) == ("plain", 4)
    assert packed.pace.query_s > 0


def test_a_rule_has_no_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = EvalSpec(device="cpu", vlm="majority")
    assert bench.main(["--home", str(tmp_path), "--spec", spec.model_dump_json()]) == 2
    assert "no engine to measure" in capsys.readouterr().err
