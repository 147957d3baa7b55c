"""Prefix tree and schedule: every prompt is answered once, behind its own prefix, within the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.packed.prefixes import Node, Path, Segment, Tree, cut, joined
from engine.packed.schedule import Schedule

IMAGE = 99


@st.composite
def prompts(draw: st.DrawFn) -> list[Path]:
    """Paths over few segments, so that many begin alike; some are equal, some begin another."""
    segments = [
        Segment("", (0, 0), (1, 2)),
        *(Segment(image, (1, size), (size,)) for image, size in (("a", 1), ("b", 2), ("b", 3), ("c", 5))),
    ]
    one = st.lists(st.sampled_from(segments), min_size=1, max_size=6).map(tuple)
    return draw(st.lists(one, min_size=1, max_size=25))


@given(prompts(), st.integers(1, 60), st.integers(0, 5), st.integers(1, 30))
def test_every_prompt_is_answered_once_behind_its_own_prefix(
    asked: list[Path], budget: int, beyond: int, most: int
) -> None:
    schedule = Schedule(list(Tree(asked).ends()), budget, beyond, most)
    memory: set[Node] = set()
    answered: list[int] = []
    computed = 0
    while group := schedule.next_group():
        for level in group.levels:
            for node in level:
                assert node not in memory
                assert node.parent is None or node.parent in memory  # parents first
            memory.update(level)
        computed += group.new_tokens
        assert len(group.ends) <= most
        for end in group.ends:
            assert all(node in memory for node in end.path)
            for prompt in end.prompts:
                assert tuple(node.segment for node in end.path) == asked[prompt]
                answered.append(prompt)
        if len(group.ends) > 1:
            assert sum(len(node.segment) for node in memory) + beyond * len(group.ends) <= budget
        assert schedule.needs(group) == sum(len(node.segment) for node in memory) + beyond * len(group.ends)
        schedule.computed(group)
        memory.difference_update(schedule.finish(group))
        assert memory == schedule.alive
    assert sorted(answered) == list(range(len(asked)))
    assert memory == set()
    prefixes = {path[: end + 1] for path in asked for end in range(len(path))}
    assert computed == sum(len(prefix[-1]) for prefix in prefixes)  # each prefix once, however often groups were cut


@given(prompts(), st.data())
def test_starting_over_with_less_answers_every_prompt_once(asked: list[Path], data: st.DataObject) -> None:
    schedule = Schedule(list(Tree(asked).ends()), 1000, 1, len(asked))
    answered: list[int] = []
    while group := schedule.next_group():
        if len(group.ends) > 1 and data.draw(st.booleans()):
            before = set(schedule.alive)
            assert set(schedule.start_over(group)) == before
            assert not schedule.alive
            continue
        answered += [prompt for end in group.ends for prompt in end.prompts]
        schedule.computed(group)
        schedule.finish(group)
    assert sorted(answered) == list(range(len(asked)))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.lists(st.integers(0, 9), max_size=4)), max_size=5))
def test_cutting_loses_no_token(parts: list[tuple[int, int, list[int]]]) -> None:
    ids = [7, 8]
    for rows, columns, text in parts:
        ids += [IMAGE] * (rows * columns) + [0, *text]
    path = cut(ids, [str(at) for at in range(len(parts))], [(rows, columns) for rows, columns, _ in parts], IMAGE)
    assert joined(path, IMAGE) == ids
    assert len(path) == len(parts) + 1
    assert sum(map(len, path)) == len(ids)


def test_images_that_touch_are_told_apart_by_their_sizes() -> None:
    path = cut([IMAGE] * 6 + [1], ["a", "b"], [(2, 2), (1, 2)], IMAGE)
    assert [(one.image, one.places, one.text) for one in path] == [("a", 4, ()), ("b", 2, (1,))]


def test_growing_shots_of_a_question_are_one_chain() -> None:
    system, query = Segment("", (0, 0), (1,)), Segment("q", (1, 1), (2,))
    shown = [Segment(str(at), (1, 1), (3,)) for at in range(3)]
    tree = Tree([(system, *shown[:shots], query) for shots in range(4)])
    assert [end.prompts for end in tree.ends()] == [[0], [1], [2], [3]]
    (root,) = tree.roots.values()
    assert root.segment == system
    node = root
    for one in shown:
        assert set(node.children) == {query, one}
        node = node.children[one]


@pytest.mark.parametrize("most", [1, 2])
def test_a_shared_prefix_stays_until_its_last_prompt_and_no_longer(most: int) -> None:
    system = Segment("", (0, 0), (1, 1, 1, 1))
    asked = [(system, Segment(str(at), (1, 1), (2,))) for at in range(4)]
    schedule = Schedule(list(Tree(asked).ends()), 100, 0, most)
    kept = []
    while group := schedule.next_group():
        schedule.computed(group)
        schedule.finish(group)
        kept.append(schedule.tokens_alive)
    assert kept == [4] * (len(kept) - 1) + [0]
