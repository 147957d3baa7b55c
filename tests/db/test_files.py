"""The registry of data files."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import store
from db.session import DatabaseFile, reading, writing
from db.specs import UserError
from tests.helpers_db import fresh


def _add(engine: DatabaseFile, path: Path, sha256: str = "a", name: str = "", kind: str = "rl-data") -> store.DataRow:
    with writing(engine) as session:
        return store.add_data(session, path=path, kind=kind, size=10, sha256=sha256, name=name, facts={"queries": 3})


def test_a_file_is_known_by_id_name_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fresh(tmp_path)
    added = _add(engine, tmp_path / "okvqa.json")
    monkeypatch.chdir(tmp_path)
    with reading(engine) as session:
        found = [
            store.find_data(session, text) for text in ("d1", "1", "okvqa", "okvqa.json", str(tmp_path / "okvqa.json"))
        ]
    assert found == [added] * 5
    assert (added.ref, added.name, added.kind, added.facts, added.missing) == (
        "d1",
        "okvqa",
        "rl-data",
        {"queries": 3},
        None,
    )


def test_a_changed_file_is_the_same_entry(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    first = _add(engine, tmp_path / "a.json")
    second = _add(engine, tmp_path / "a.json", sha256="b", name="renamed")
    assert (second.id, second.sha256, second.name) == (first.id, "b", "renamed")


def test_names_are_unique(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    _add(engine, tmp_path / "a.json")
    with pytest.raises(UserError, match=r"the name 'a' belongs to .*a\.json: give another one with --name"):
        _add(engine, tmp_path / "deeper" / "a.json")
    assert _add(engine, tmp_path / "deeper" / "a.json", name="other").id == 2


def test_what_is_not_registered(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    _add(engine, tmp_path / "known.json")
    with (
        reading(engine) as session,
        pytest.raises(UserError, match=r"'unknown' \(registered: known\): `leverplus data list`"),
    ):
        store.find_data(session, "unknown")


def test_lists_by_kind_and_forgetting(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    _add(engine, tmp_path / "a.json")
    _add(engine, tmp_path / "b.safetensors", kind="embeddings")
    with writing(engine) as session:
        assert [row.name for row in store.list_data(session)] == ["b", "a"]
        assert [row.name for row in store.list_data(session, kind="embeddings")] == ["b"]
        store.forget_data(session, data_id=1)
        assert [row.name for row in store.list_data(session)] == ["b"]
    assert _add(engine, tmp_path / "a.json").id == 3  # the name is free again, the id is not
