"""The reference pages say what the code says."""

from __future__ import annotations

from db.store.lists.filters import run_fields
from docs.make_reference import QUERY_FIELDS, RUN_FIELDS, stale
from engine.rl.index.filters import FIELDS


def test_reference_pages_are_those_of_the_code() -> None:
    assert list(stale()) == [], "run `python -m docs.make_reference` and commit the pages"


def test_filters_have_a_sentence_for_every_field_and_no_other() -> None:
    assert set(RUN_FIELDS) == set(run_fields())
    assert sorted(" ".join(QUERY_FIELDS).split()) == sorted(FIELDS)
