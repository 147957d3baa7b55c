"""The filter language: what each term means, and what is said of a bad one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import rows, store
from db.run_states import KINDS
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import SPEC_OF_KIND, UNREPEATED, AnySpec, EvalSpec, TrainSpec
from db.store.lists import filters
from tests.helpers_db import a_cell, a_finding, a_subset, add, fresh, start

DAY = 86_400_000_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DatabaseFile:
    """Four runs: r1 and r2 evaluations, r3 a training, r4 an evaluation without anything."""
    made = fresh(tmp_path_factory.mktemp("filters"))
    specs: dict[str, AnySpec] = {
        "best of all": EvalSpec(dataset="/data/okvqa", vlm="Qwen2.5-VL-3B", retriever="i2i", seed=1),
        "K64-lr1e-5": EvalSpec(dataset="vqav2", retriever="random", seed=2),
        "grpo first": TrainSpec(kind="grpo", rl_data="rl.json", embeddings="e", variant="v4_2"),
        "plain": EvalSpec(),
    }
    with writing(made) as session:
        for name, spec in specs.items():
            parent = 1 if name == "grpo first" else None
            store.create_run(session, spec=spec, name=name, environment={}, forced=name == "plain", parent=parent)
        store.tag(session, run_id=1, tags=["paper", "smoke"])
        store.tag(session, run_id=2, tags=["smoke"])
        store.note(session, run_id=2, text="looks Odd at four shots")
        for run_id, seconds in ((1, 90), (2, 7200)):
            process = start(session, run_id)
            session.run(f"UPDATE process SET started_at = heartbeat_at - {seconds * 1_000_000} WHERE id = {process.id}")
            store.set_state(session, run_id=run_id, state="running")
            store.end_process(session, process_id=process.id, state="done", exit_code=0)
        session.run(f"UPDATE run SET created_at = created_at - {40 * DAY} WHERE id = 1")
    nested = (a_subset(200, "s2", "first 200"), a_subset(800, "s8", "first 800"))
    add(made, 1, *nested, a_cell(accuracy=61.25, n=800, sha="s8"), a_cell(accuracy=70.0, n=200, sha="s2"), a_finding())
    add(
        made,
        2,
        *nested,
        a_cell(accuracy=55.0, n=800, sha="s8"),
        a_finding("no-signal", "error"),
        rows.Progress(1, 4, "queries"),
    )
    add(made, 3, *(rows.Metric("rce", epoch, 0, "val_loss", loss) for epoch, loss in ((1, 3.0), (2, 1.0), (3, 2.0))))
    return made


def _ids(engine: DatabaseFile, where: str, sort: str = "id asc") -> list[int]:
    with reading(engine) as session:
        found = [row.id for row in store.list_runs(session, where=where, sort=sort)]
        assert store.count_runs(session, where=where) == len(found)
    return found


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("", [1, 2, 3, 4]),
        ("kind:grpo", [3]),
        ("kind:eval,grpo", [1, 2, 3, 4]),
        ("kind=EVAL", [1, 2, 4]),
        ("kind!=eval", [3]),
        ("-kind:eval", [3]),
        ("!kind:eval", [3]),
        ("state:done", [1, 2]),
        ("state:done,queued -kind:grpo", [1, 2, 4]),
        ("acc@2>60", [1]),
        ("acc@2>=61.25", [1]),
        ("acc@2<60%", [2]),
        ("acc@2:55", [2]),
        ("acc@2!=55", [1]),
        ("-acc@2>60", [2, 3, 4]),
        ("acc@4>0", []),
        ("-tag:smoke", [3, 4]),
        ("tag:paper", [1]),
        ("tag:paper,smoke", [1, 2]),
        ("finding:no-signal", [2]),
        ("finding:warning", [1]),
        ("findings>=1", [1, 2]),
        ("dataset:okvqa", [1]),
        ("dataset:OKVQA", [1]),
        ("dataset=vqav2", [2]),
        ("dataset!=vqav2", [1, 3, 4]),
        ("vlm:qwen", [1]),
        ("retriever:i2i", [1]),
        ("variant:v4_2", [3]),
        ("name:K64", [2]),
        ('name:"of all"', [1]),
        ('name="best of all"', [1]),
        ("note:odd", [2]),
        ('"of all"', [1]),
        ("odd", [2]),
        ("smoke", [1, 2]),
        ("-smoke", [3, 4]),
        ("K64-lr1e-5", [2]),
        ("r3", [3]),
        ("id:r2", [2]),
        ("id>r2", [3, 4]),
        ("parent:r1", [3]),
        ("seed:1,2", [1, 2]),
        ("n>=800", [1, 2]),
        ("duration>1h", [2]),
        ("duration<2m", [1]),
        ("duration>1m29s duration<1m31s", [1]),
        ("age>30d", [1]),
        ("age<1h", [2, 3, 4]),
        ("forced:yes", [4]),
        ("forced:no", [1, 2, 3]),
        ("deleted:yes", []),
        ("progress:25", [2]),
        ("last.val_loss:2", [3]),
        ("min.val_loss<1.5", [3]),
        ("max.val_loss>=3 kind:grpo", [3]),
        ("created>2020 created<2999-12-31", [1, 2, 3, 4]),
        ("created:2001-02", []),
        ("created>=2001-02-03T04:05", [1, 2, 3, 4]),
        ("100%", []),
        ("k64-LR", [2]),
        ("k64_lr", []),
        ("v4_2", [3]),
        ("\\", []),
        ("it's", []),
    ],
)
def test_meaning_of_terms(engine: DatabaseFile, where: str, ids: list[int]) -> None:
    assert _ids(engine, where) == ids


def test_five_hundred_words_are_not_too_many(engine: DatabaseFile) -> None:
    assert _ids(engine, "-a " * 500) == [3]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("kind:eval colour:red", "filter term 'colour:red' names no field: fields are age, created,"),
        ("acc@2>high", "filter term 'acc@2>high': 'high' is no percentage"),
        ("statee:done", "'statee:done' names no field (near: state): fields are age,"),
        ("rce_lrr>1", "names no field (near: rce_lr"),
        ("state:dun", "state is one of queued, running, done, stopped, failed, lost, stalled; 'dun' is none of them"),
        ("kind:evaluation", "kind is one of eval, rce, grpo, generate, embed, import, ask; 'evaluation' is none"),
        ("acc@2222>1", "filter term 'acc@2222>1' names no field"),
        ("seed:x", "'x' is no number"),
        ("id:abc", "'abc' is no run such as r12"),
        ("created>yesterday", "'yesterday' is no date such as 2025-06-30"),
        ("created>2025-13", "is no date"),
        ("age<soon", "'soon' is no time such as 90s, 15m, 2h, 7d"),
        ("kind>eval", "filter term 'kind>eval': kind has no order, write kind:eval"),
        ("name<x", "name has no order"),
        ("forced:maybe", "filter term 'forced:maybe': forced is yes or no, not 'maybe'"),
        ("name:", "filter term 'name:' has an empty value"),
        ("tag:a,,b", "filter term 'tag:a,,b' has an empty value"),
        ('""', "has an empty value"),
        ("acc@2 > 60", "filter term '>' stands alone: write field, sign and value without blanks"),
        ('name:"open', "filter: the quote in 'name:\"open' is not closed"),
        ('"a"b', "is not closed, or text follows it directly"),
    ],
)
def test_bad_terms_are_named(engine: DatabaseFile, where: str, said: str) -> None:
    with pytest.raises(store.BadFilter) as caught:
        _ids(engine, where)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("created", [4, 3, 2, 1]),
        ("created asc", [1, 2, 3, 4]),
        ("acc@2 desc", [1, 2, 4, 3]),
        ("acc@2 asc", [2, 1, 3, 4]),  # what is missing comes last both ways
        ("acc@2", [1, 2, 4, 3]),
        ("name", [1, 3, 2, 4]),
        ("name desc", [4, 2, 3, 1]),
        ("duration", [2, 1, 4, 3]),
        ("last.val_loss", [3, 4, 2, 1]),
        ("kind", [4, 2, 1, 3]),
        ("ID ASC", [1, 2, 3, 4]),
    ],
)
def test_orders(engine: DatabaseFile, sort: str, ids: list[int]) -> None:
    assert _ids(engine, "", sort) == ids


@pytest.mark.parametrize("sort", ["", "colour", "acc@2 upwards", "tag", "name; DROP TABLE run", "last.x'y"])
def test_bad_orders_are_named(engine: DatabaseFile, sort: str) -> None:
    with pytest.raises(store.BadFilter, match="cannot sort"):
        _ids(engine, "", sort)


def test_terms_are_split_for_others_too() -> None:
    terms = filters.parse('positive:0 -gen:beam,random n>10 "a bird" plain')
    assert [(term.negated, term.field, term.op, term.values) for term in terms] == [
        (False, "positive", ":", ("0",)), (True, "gen", ":", ("beam", "random")), (False, "n", ">", ("10",)),
        (False, "", ":", ("a bird",)), (False, "", ":", ("plain",)),
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(st.text(max_size=30), st.text(alphabet="abkindst:@2><=!-\" ',.r5", max_size=30)))
def test_no_text_breaks_the_list(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = open_database(tmp_path_factory.getbasetemp() / "any-text" / "leverplus.db")
    with reading(engine) as session:
        with suppress(store.BadFilter):
            store.list_runs(session, where=text)
        with suppress(store.BadFilter):
            store.list_runs(session, sort=text)
    engine.dispose()


def test_settings_and_metrics_filter_sort_and_are_read(engine: DatabaseFile) -> None:
    assert _ids(engine, "rce_lr>1e-5") == [3]
    assert _ids(engine, "lr:1e-5") == [3]
    assert _ids(engine, "use_kl:yes") == [3]
    assert _ids(engine, "use_kl!=yes kind:grpo") == []
    assert _ids(engine, "decode.num_beams>=1 seed:2") == [2]
    assert _ids(engine, "rl_data:rl.json") == [3]
    assert _ids(engine, "best.val_loss<1.5") == [3]
    assert _ids(engine, "", "hidden_dim desc")[0] == 3
    with reading(engine) as session:
        fields = ["best.val_loss", "last.val_loss", "hidden_dim", "acc@1", "asked@1"]
        assert store.run_values(session, run_ids=[3, 2], fields=fields)[3] == {
            "best.val_loss": 1.0, "last.val_loss": 2.0, "hidden_dim": 256, "acc@1": None, "asked@1": None,
        }  # fmt: skip
        assert store.metric_names(session) == ["val_loss"]
        assert store.varying_settings(session, run_ids=[1, 2])[:2] == ["dataset", "vlm"]
        with pytest.raises(store.BadFilter, match="colour"):
            store.run_values(session, run_ids=[1], fields=["colour"])


def test_metrics_are_best_where_their_names_say() -> None:
    assert store.smaller_is_better("val_loss")
    assert not store.smaller_is_better("greedy_reward")


def test_all_that_lists_show_of_a_run_can_be_asked_for(tmp_path: Path) -> None:
    """Unknown numbers of shots, more than nine of them, and a process that went silent."""
    made = fresh(tmp_path)
    with writing(made) as session:
        for _ in range(3):
            store.create_run(session, spec=EvalSpec(), environment={})
        for run_id, silent_s in ((1, 5), (2, 3600)):
            silent = start(session, run_id).id
            session.run(f"UPDATE process SET heartbeat_at = heartbeat_at - {silent_s * 1_000_000} WHERE id = {silent}")
            store.set_state(session, run_id=run_id, state="running")
    add(made, 1, a_subset(800, "s8", "first 800"), a_cell(shot=rows.UNKNOWN_SHOTS, accuracy=55.0, n=800, sha="s8"))
    add(made, 2, a_subset(800, "s8", "first 800"), a_cell(shot=16, accuracy=65.0, n=800, sha="s8"))
    asked = {
        "acc@?>50": [1], "acc@?<50": [], "acc@16:65": [2], "state:stalled": [2], "-state:stalled": [1, 3],
        "state!=stalled": [1, 3], "state:running": [1, 2], "state:stalled,queued": [2, 3],
    }  # fmt: skip
    assert {where: _ids(made, where) for where in asked} == asked
    assert _ids(made, "", "acc@? desc")[0] == 1
    assert _ids(made, "", "acc@16")[0] == 2


def test_kinds_that_a_filter_knows_are_those_that_are_stored() -> None:
    assert set(KINDS) == {*SPEC_OF_KIND, *UNREPEATED}
