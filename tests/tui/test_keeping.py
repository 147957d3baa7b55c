"""Trash, disk, backups and the check of a home: nothing that is used goes, nothing that is stored is lost."""

from __future__ import annotations

import os
import sqlite3
import tarfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from db import process, rows, store
from db.copying import check_copy, copy_database
from db.fingerprint import content_sha
from db.migrations.upgrade import run_steps
from db.schema import SCHEMA
from db.session import DatabaseUnwritable, open_database, reading, writing
from db.specs import EvalSpec, TrainSpec
from leverplus_tui.jobs import dead_jobs, launcher
from leverplus_tui.keeping import check, disk
from leverplus_tui.queue import lock, submit
from leverplus_tui.queue.dispatcher import Dispatcher
from tests.helpers_cli import Desk, store_eval

TABLE_LEAF = b"\x0d"
"""First byte of a page of SQLite that holds rows of a table."""
SCORES = {1: 1.0, 2: 0.0, 3: 0.6, 4: 1.0}


def trained(desk: Desk, *, state: str = "done") -> int:
    """A training with a checkpoint on disk, a log, and the state of its trainer."""
    with writing(desk.database) as session:
        run = store.create_run(session, spec=TrainSpec(rl_data="builtin", embeddings="builtin"), environment={})
        assert run.id is not None
        folder = desk.home.run_dir(run.id)
        (folder / "checkpoints").mkdir(parents=True)
        path = folder / "checkpoints" / "rce_best.safetensors"
        path.write_bytes(b"weights" * 100)
        (folder / "log.txt").write_text("a log\n")
        (folder / "training.safetensors").write_bytes(b"state" * 100)
        row = rows.Checkpoint(str(path), "rce", 1, content_sha(path), 10, True, {})
        store.add_rows(session, run_id=run.id, process_id=None, rows=[row])
        store.set_state(session, run_id=run.id, state="running")
        store.set_state(session, run_id=run.id, state=state)
        return run.id


def checkpoint(desk: Desk, run_id: int) -> Path:
    return desk.home.run_dir(run_id) / "checkpoints" / "rce_best.safetensors"


def wrong(desk: Desk) -> list[str]:
    """What `fsck` finds beside waste."""
    return [finding["code"] for finding in desk.json("fsck")["findings"] if finding["severity"] != "info"]


def test_the_trash_shows_what_it_holds_and_gives_it_back(desk: Desk) -> None:
    run_id = trained(desk)
    desk.call("delete", "r1", "--yes")
    assert desk.json("runs") == []
    (entry,) = desk.json("trash")
    assert (entry["run"], entry["used_by"]) == ("r1", [])
    assert entry["bytes"] > 1000
    assert "r1 restored" in desk.call("trash", "restore", "r1").stdout
    assert [run["id"] for run in desk.json("runs")] == [f"r{run_id}"]
    assert desk.json("trash", "list") == []


def test_emptying_the_trash_keeps_what_others_use(desk: Desk) -> None:
    first, second = trained(desk), trained(desk)
    with writing(desk.database) as session:
        store.create_run(session, spec=EvalSpec(selector=str(checkpoint(desk, first))), environment={})
        store.set_state(session, run_id=3, state="stopped")
    desk.call("delete", "r1", "r2", "--yes")
    assert "r1 stays: its files are used by r3" in desk.call("trash", "empty", "--yes").stderr
    assert checkpoint(desk, first).exists()
    assert not desk.home.run_dir(second).exists()
    with reading(desk.database) as session:
        assert set(store.run_states(session)) == {1, 3}
    desk.call("delete", "r3", "--yes")
    assert desk.json("trash", "empty", "--yes") == {"erased": ["r3", "r1"], "kept": {}}
    assert not desk.home.run_dir(first).exists()


def test_what_is_not_in_the_trash_is_not_erased(desk: Desk) -> None:
    trained(desk)
    assert "r1 is not in the trash" in desk.call("trash", "empty", "r1", "--yes", code=2).stderr
    desk.call("delete", "r1", "--yes")
    assert "no terminal to ask on" in desk.call("trash", "empty", code=2).stderr


def test_gc_deletes_what_nobody_needs_and_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    done, lost = trained(desk), trained(desk, state="lost")
    (desk.home.run_dir(done) / "reserve").write_bytes(bytes(1000))
    stray = desk.home.runs / "r99"
    stray.mkdir()
    (stray / "left.txt").write_text("of a run that was erased")
    said = desk.json("gc", "--dry-run")
    why = {Path(one["path"]).name: one["why"] for one in said["waste"]}
    assert why == {
        "reserve": "reserve of a process that is gone",
        "training.safetensors": "state of a training that is done",
    }
    assert (desk.home.run_dir(done) / "reserve").exists(), "a dry run deletes nothing"
    monkeypatch.setattr(disk, "OLD_S", -1.0)
    assert desk.json("gc")["freed"] > 1500
    assert not stray.exists()
    assert not (desk.home.run_dir(done) / "training.safetensors").exists()
    assert (desk.home.run_dir(lost) / "training.safetensors").exists(), "a lost training goes on from it"
    assert checkpoint(desk, done).exists()
    assert wrong(desk) == []


def test_gc_says_what_visual_tokens_take_and_deletes_those_that_nobody_reads(desk: Desk) -> None:
    trained(desk)
    old, new = (desk.home.cache / "visual_tokens" / name for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "image").write_bytes(bytes(3000))
    long_ago = time.time() - 31 * 86400
    os.utime(old / "image", (long_ago, long_ago))
    assert "6.0 kB of it visual tokens" in desk.call("gc", "--dry-run").stdout
    said = desk.json("gc")
    assert said["visual_tokens"] == 6000
    assert [(Path(one["path"]).name, one["why"]) for one in said["waste"] if "visual" in one["why"]] == [
        ("old", "visual tokens that no run has read for 30 days")
    ]
    assert (old.exists(), new.exists()) == (False, True)
    assert desk.json("gc", "--cache")["freed"] >= 3000
    assert not new.exists()


def test_gc_leaves_jobs_at_work_alone(desk: Desk) -> None:
    run_id = desk.launch("pause")
    desk.until_paused(run_id)
    assert [one["path"] for one in desk.json("gc")["waste"]] == []
    assert "jobs are at work and use the cache" in desk.call("gc", "--cache", code=2).stderr
    launcher.stop(desk.home, run_id)


@pytest.mark.parametrize("name", ["home.tar", "home.tar.gz"])
def test_a_backup_is_the_home_and_restoring_keeps_the_present_one(desk: Desk, tmp_path: Path, name: str) -> None:
    run_id = trained(desk)
    store_eval(desk, SCORES)
    file = tmp_path / "elsewhere" / name
    made = desk.json("backup", str(file))
    assert (made["runs"], made["changed"]) == (2, [])
    checkpoint(desk, run_id).write_bytes(b"spoilt")
    desk.call("delete", "r2", "--yes")
    assert desk.call("fsck", code=1).stdout.startswith("! error file-changed")
    desk.database.dispose()
    kept = Path(desk.json("restore", str(file), "--yes")["kept"])
    restored = Desk(desk.home)
    assert wrong(restored) == []
    assert [run["id"] for run in restored.json("runs")] == ["r2", "r1"]
    assert len(restored.answers(2)) == len(SCORES)
    assert (kept / "runs" / "r1" / "checkpoints" / "rce_best.safetensors").read_bytes() == b"spoilt"


def test_a_backup_holds_what_was_made_from_runs_and_what_the_terminal_program_keeps(desk: Desk, tmp_path: Path) -> None:
    texts = {"exports/mine.balanced.json": "{}", "terminal.json": '{"theme": "x"}', "keymap.toml": '"run.stop" = "K"'}
    for name, text in texts.items():
        (desk.home.root / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.home.root / name).write_text(text)
    file = desk.home.root / "exports" / "home.tar"
    desk.call("backup", str(file))
    moved = file.rename(tmp_path / "home.tar")
    desk.database.dispose()
    desk.call("restore", str(moved), "--yes")
    assert {name: (desk.home.root / name).read_text() for name in texts} == texts
    assert not file.exists(), "a backup holds no part of itself"


def test_a_backup_while_a_job_writes_is_sound_and_its_job_is_lost_there(desk: Desk, tmp_path: Path) -> None:
    run_id = desk.launch("pause")
    desk.until_paused(run_id)
    file = tmp_path / "home.tar"
    desk.call("backup", str(file))
    refused = desk.call("restore", str(file), "--yes", code=2).stderr
    assert "r1 at work in" in refused
    assert "leverplus stop r1" in refused
    launcher.stop(desk.home, run_id)
    desk.database.dispose()
    desk.call("restore", str(file), "--yes")
    restored = Desk(desk.home)
    assert restored.json("runs")[0]["state"] == "lost"
    assert len(restored.answers(run_id)) >= 10
    restored.call("resume", "r1")
    assert (restored.state(run_id), len(restored.answers(run_id))) == ("done", 30)


def test_a_restored_queue_is_paused_and_a_working_one_is_not_replaced(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "ensure_dispatcher", lambda home, database: None)
    monkeypatch.setattr("leverplus_tui.queue.submit.ensure_dispatcher", lambda home, database: None)
    desk.call("run", "eval", "--vlm", "plain", "--queue")
    file = tmp_path / "home.tar"
    desk.call("backup", str(file))
    held = lock.take(desk.home)
    assert held is not None
    assert "`leverplus queue` lists them" in desk.call("restore", str(file), "--yes", code=2).stderr
    os.close(held)
    desk.database.dispose()
    desk.call("restore", str(file), "--yes")
    assert [row["paused"] for row in Desk(desk.home).json("queue")] == [True]


def test_what_would_be_tried_again_after_a_restore_is_held_back(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that worked when the backup was made is lost in it; with a try left, it would start by itself."""
    monkeypatch.setattr(submit, "ensure_dispatcher", lambda home, database: None)
    run_id = desk.launch("pause")
    row = desk.until_paused(run_id)
    with writing(desk.database) as session:
        store.enqueue(session, run_id=run_id, device="cpu", retries=3)
    file = tmp_path / "home.tar"
    desk.call("backup", str(file))
    launcher.end_now(desk.database, row, "killed")
    desk.wait(lambda: not store.is_alive(row))
    desk.database.dispose()
    desk.call("restore", str(file), "--yes")
    queue = Dispatcher(desk.home)
    queue.turn()
    assert not queue.turn(), "nothing goes on by itself"
    restored = Desk(desk.home)
    assert [(one["state"], one["paused"]) for one in restored.json("queue")] == [("queued", True)]
    assert [one.state for one in restored.detail(run_id).processes] == ["lost"]


@pytest.mark.parametrize("fault", ["cut", "foreign", "outside", "other"])
def test_what_is_no_backup_replaces_nothing(desk: Desk, tmp_path: Path, fault: str) -> None:
    trained(desk)
    file = tmp_path / "home.tar"
    desk.call("backup", str(file))
    if fault == "cut":
        file.write_bytes(file.read_bytes()[:30_000])
    elif fault == "other":
        file.write_bytes(b"nothing of the kind")
    else:
        (tmp_path / "text").write_text("x")
        with tarfile.open(file, "a") as archive:
            archive.add(tmp_path / "text", "readme.txt" if fault == "foreign" else "runs/../../outside.txt")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = desk.call("restore", str(file), "--yes", code=2)
    assert "backup" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before, "nothing is left of it"
    assert desk.json("runs")[0]["id"] == "r1"


def test_fsck_finds_and_mends_files_figures_and_states(desk: Desk) -> None:
    gone, changed = trained(desk), trained(desk)
    figure = store_eval(desk, SCORES)
    checkpoint(desk, gone).unlink()
    checkpoint(desk, changed).write_bytes(b"another")
    with writing(desk.database) as session:
        session.run("UPDATE cell SET accuracy = 99, n_done = 3")
        store.create_run(session, spec=EvalSpec(), environment={})
        store.start_process(
            session, run_id=4, pid=1, pid_start="0", boot_id="another/boot", host="", argv=(), log_path=""
        )
        store.set_state(session, run_id=4, state="running")
    found = {finding["code"]: finding for finding in desk.json("fsck", code=1)["findings"]}
    assert {"file-missing", "file-changed", "figure-untrue", "state-untrue"} <= set(found)
    assert "shows 99.00 over 3 answers at 2 shots; its answers say 65.00 over 4" in found["figure-untrue"]["message"]
    mended = desk.json("fsck", "--repair")["repaired"]
    assert [line.partition(":")[0] for line in mended[:4]] == ["r4", "r1", "r2", f"r{figure} at 2 shots"]
    assert desk.detail(figure).cells[0].accuracy == pytest.approx(65.0)
    assert desk.state(4) == "lost"
    assert wrong(desk) == []
    assert "wrote nothing of the kind" in desk.call("run", "eval", "--selector", f"r{gone}", code=2).stderr


def spoil(path: Path, *marks: bytes) -> None:
    """Overwrite the page that holds these texts, as a failing disk does."""
    content = path.read_bytes()
    pages = range(0, len(content), 4096)
    page = next(start for start in pages if all(mark in content[start : start + 4096] for mark in marks))
    path.write_bytes(content[:page] + b"\xff" * 4096 + content[page + 4096 :])


def test_what_can_be_read_of_a_damaged_database_is_saved(desk: Desk) -> None:
    for number in range(12):
        store_eval(desk, {q: q % 2 for q in range(1, 400)}, name=f"stored {number}")
    desk.database.dispose()
    with closing(sqlite3.connect(desk.home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(desk.home.database, b"stored 5-2-200", b"[1,2]")
    refused = desk.json("fsck", code=1)["findings"]
    assert [finding["code"] for finding in refused] == ["database-damaged"]
    kept = desk.home.root.with_name("kept.tar")
    kept.write_text("the backup of yesterday")
    assert "no backup was written" in desk.call("backup", str(kept), "--yes", code=2).stderr
    assert kept.read_text() == "the backup of yesterday"
    document = desk.json("fsck", "--repair", "--quick", code=1)
    assert "rows copied from the damaged file, which is now" in document["repaired"][0]
    assert "rows-lost" in [finding["code"] for finding in document["findings"]]
    rest = Desk(desk.home)
    assert len(rest.json("runs")) == 12
    with closing(sqlite3.connect(desk.home.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        saved = connection.execute("SELECT count(*) FROM prediction").fetchone()[0]
    assert 12 * 399 - 100 < saved < 12 * 399, "all but what lay on the page"
    assert len(list(desk.home.root.glob("leverplus-damaged-*.db"))) == 1


def test_a_backup_takes_the_place_of_nothing_unasked(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    assert "--yes` does it without asking" in desk.call("backup", str(tmp_path / "b.tar"), code=2).stderr
    assert (tmp_path / "b.tar").read_text() == "mine"
    desk.call("backup", str(tmp_path / "b.tar"), "--yes")
    assert (tmp_path / "b.tar").read_bytes() != b"mine"


def test_no_backup_takes_the_place_of_the_home_that_it_is_of(desk: Desk, tmp_path: Path) -> None:
    trained(desk)
    (desk.home.root / "notes.txt").write_text("mine")
    for name in ("leverplus.db", "leverplus.db-journal", "notes.txt", "runs/r1/b.tar"):
        said = desk.call("backup", str(desk.home.root / name), "--yes", code=2).stderr
        assert "give a place outside of" in said
    assert "is a folder: name a file in it" in desk.call("backup", str(tmp_path), "--yes", code=2).stderr
    assert desk.json("runs")[0]["id"] == "r1"
    assert (desk.home.root / "notes.txt").read_text() == "mine"
    for _ in range(2):
        desk.call("backup", str(desk.home.root / "b.tar"), "--yes")


def test_a_home_on_a_medium_that_is_read_only_is_checked_and_backed_up(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There SQLite cannot make the files that a log needs, and only `immutable` reads."""
    trained(desk)
    desk.database.dispose()
    connect: Any = sqlite3.connect

    def refusing(name: object, **options: Any) -> Any:
        if str(desk.home.database) in str(name) and "immutable" not in str(name):
            return connect("file:/nowhere/at-all.db?mode=ro", **{**options, "uri": True})
        return connect(name, **options)

    monkeypatch.setattr("db.copying.sqlite3.connect", refusing)
    assert check_copy(desk.home.database) > 0
    copy_database(desk.home.database, tmp_path / "copy.db")
    monkeypatch.undo()
    assert check_copy(tmp_path / "copy.db") > 0


def test_a_backup_that_is_not_there_is_missed_before_anything_is_asked(desk: Desk) -> None:
    trained(desk)
    assert "there is no backup none.tar" in desk.call("restore", "none.tar", code=2).stderr


def test_a_file_of_which_nothing_can_be_read_is_left_as_it_is(desk: Desk) -> None:
    desk.home.root.mkdir(parents=True, exist_ok=True)
    desk.database.dispose()
    desk.home.database.write_text("no database at all" * 1000)
    before = {path.name for path in desk.home.root.iterdir()}
    assert [one["code"] for one in desk.json("fsck", code=1)["findings"]] == ["database-damaged"]
    assert "leverplus restore FILE" in desk.call("fsck", "--repair", code=2).stderr
    assert {path.name for path in desk.home.root.iterdir()} == before | {"queue.lock"}, "which was held meanwhile"
    assert desk.home.database.read_text().startswith("no database")


def cut_off(desk: Desk, share: float) -> None:
    """The end of the database is missing, as after a copy that broke off."""
    with closing(sqlite3.connect(desk.home.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    desk.database.dispose()
    os.truncate(desk.home.database, int(desk.home.database.stat().st_size * share) // 4096 * 4096)


def test_of_a_database_that_was_cut_off_the_rest_is_saved_and_folders_of_lost_runs_are_kept(desk: Desk) -> None:
    for number in range(400):
        store_eval(desk, SCORES, name=f"run {number} " + "x" * 400)
    names = (desk.home.runs / "r1", desk.home.runs / "r400")
    for folder in names:
        folder.mkdir(parents=True)
        (folder / "log.txt").write_text("a log\n")
        os.utime(folder, (0, 0))  # old enough to be freed where nobody has it
    cut_off(desk, 0.6)
    document = desk.json("fsck", "--repair", "--quick", code=1)
    kept = {run["id"] for run in desk.json("runs")}
    assert 0 < len(kept) < 400
    assert [finding["code"] for finding in document["findings"] if finding["severity"] == "error"] == ["rows-lost"]
    for number, folder in zip((1, 400), names, strict=True):
        assert folder.exists() == (f"r{number}" in kept)
        if f"r{number}" not in kept:
            (aside,) = desk.home.runs.glob(f"lost-r{number}-*")
            assert (aside / "log.txt").read_text() == "a log\n"
    assert store_eval(desk, SCORES, name="new") > 400, "the numbers of lost runs are given to no others"
    desk.call("gc")
    assert len(list(desk.home.runs.glob("lost-*"))) == sum(f"r{number}" not in kept for number in (1, 400))


def torn(desk: Desk, *marks: bytes) -> None:
    """Pages that hold these texts are overwritten, each in a table of its own or far from the others."""
    with closing(sqlite3.connect(desk.home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for mark in marks:
        spoil(desk.home.database, mark, b"[1,2]")


def test_no_database_is_mended_under_a_dispatcher(desk: Desk) -> None:
    """It has the damaged file open, and would start runs from it and write into it."""
    for number in range(100):
        store_eval(desk, SCORES, name=f"run {number} " + "x" * 400)
    cut_off(desk, 0.7)
    before = desk.home.database.read_bytes()
    held = lock.take(desk.home)
    assert held is not None
    assert "stop them, then mend the database" in desk.call("fsck", "--repair", code=2).stderr
    os.close(held)
    assert desk.home.database.read_bytes() == before
    desk.call("fsck", "--repair", "--quick", code=1)


def test_rows_between_two_damaged_places_are_saved_too(desk: Desk) -> None:
    """Also where the key begins with a text, as that of remembered answers does."""
    for number in range(12):
        store_eval(desk, {q: q % 2 for q in range(1, 400)}, name=f"stored {number:02}")
    with writing(desk.database) as session:
        cells = session.tuples("SELECT count(*) FROM answer")[0][0]
    desk.database.dispose()
    torn(desk, b"stored 02-2-200", b"stored 09-2-200")
    pages = desk.home.database.read_bytes()
    assert cells == 12 * 399
    for mark in (b"stored 03-2-211", b"stored 08-2-211"):  # of the answers, whose pages hold no demonstrations
        starts = range(0, len(pages), 4096)
        at = [one for one in starts if mark in pages[one : one + 4096] and b"[1,2]" not in pages[one : one + 4096]]
        pages = desk.home.database.read_bytes()
        pages = pages[: at[0]] + b"\xff" * 4096 + pages[at[0] + 4096 :]
        desk.home.database.write_bytes(pages)
    desk.json("fsck", "--repair", "--quick", code=1)
    with closing(sqlite3.connect(desk.home.database)) as connection:
        for table in ("prediction", "answer"):
            (saved,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert 12 * 399 - 400 < saved < 12 * 399, table


def test_series_whose_names_lie_on_a_damaged_page_keep_their_points_and_are_summed_up_anew(desk: Desk) -> None:
    """Their names stand in an index too, and what lists show of a series follows from its points."""
    run_id = trained(desk)
    series = [f"loss of block {number:03}" for number in range(200)]
    points = [rows.Metric("rce", 1, step, name, step - 0.5) for name in series for step in (1, 2, 3)]
    with writing(desk.database) as session:
        store.add_rows(session, run_id=run_id, process_id=None, rows=points)
        before = store.metric_summaries(session, run_id=run_id)
    desk.database.dispose()
    with closing(sqlite3.connect(desk.home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = desk.home.database.read_bytes()
    pages = [content[start : start + 4096] for start in range(0, len(content), 4096)]
    leaf = next(at for at, page in enumerate(pages) if page[:1] == TABLE_LEAF and series[100].encode() in page)
    pages[leaf] = b"\xff" * 4096
    desk.home.database.write_bytes(b"".join(pages))
    document = desk.json("fsck", "--repair", "--quick")
    assert "rows-lost" not in [finding["code"] for finding in document["findings"]]
    assert "from the points as they are stored" in " ".join(document["repaired"])
    with reading(open_database(desk.home.database)) as session:
        assert store.metric_summaries(session, run_id=run_id) == before
        assert store.metric_series(session, run_id=run_id, name=series[100]) == [
            ("rce", 1, step, step - 0.5) for step in (1, 2, 3)
        ]


def test_what_lists_show_of_a_series_is_held_against_its_points(desk: Desk) -> None:
    run_id = trained(desk)
    points = [rows.Metric("rce", 1, step, name, 1.0 * step) for name in ("kept", "gone") for step in (1, 2)]
    with writing(desk.database) as session:
        store.add_rows(session, run_id=run_id, process_id=None, rows=points)
        session.run("DELETE FROM metric WHERE step = 2 OR series_id = (SELECT id FROM metric_last WHERE name = 'gone')")
    (found,) = [one for one in desk.json("fsck", "--quick", code=1)["findings"] if one["code"] == "figure-untrue"]
    assert "kept of r1, gone of r1" in found["message"]
    desk.call("fsck", "--repair", "--quick")
    with reading(desk.database) as session:
        assert [(one.name, one.n, one.highest) for one in store.metric_summaries(session, run_id=run_id)] == [
            ("kept", 1, 1.0)
        ]


def test_a_repair_tells_every_table_that_lost_rows_and_counts_what_is_kept(desk: Desk) -> None:
    """Also rows that went because the run that they belong to did."""
    for number in range(400):
        store_eval(desk, SCORES, name=f"run {number} " + "x" * 400)
    tables = ("run", "cell", "prediction", "run_subset")
    with reading(desk.database) as session:
        before = {table: session.tuples(f"SELECT count(*) FROM {table}")[0][0] for table in tables}
    cut_off(desk, 0.6)
    document = desk.json("fsck", "--repair", "--quick", code=1)
    told = next(finding["message"] for finding in document["findings"] if finding["code"] == "rows-lost")
    with closing(sqlite3.connect(desk.home.database)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names}
    ours = sum(n for name, n in counts.items() if not name.startswith(("sqlite", "alembic")))
    assert f": {ours} rows copied" in document["repaired"][0]
    words = told.replace(",", " ").split()
    assert [table for table in tables if (counts[table] < before[table]) != (table in words)] == []


def test_a_damaged_home_of_an_older_version_is_mended_in_its_own_schema_and_then_migrated(
    desk: Desk, tmp_path: Path
) -> None:
    """Its rows were put into the tables of today as they were, and no migration ever saw them."""
    older = tmp_path / "older.db"
    run_steps(older, 1.0, 2)
    path = str(desk.home.root / "runs" / "r1" / "rl.json")
    with closing(sqlite3.connect(older)) as connection:
        for number in range(1, 400):
            connection.execute(
                "INSERT INTO data_file (name, kind, path, size, sha256, facts, created_at) VALUES (?, 'rl', ?, 1, ?, '{}', 1)",
                (f"file {number} " + "x" * 400, path if number == 1 else f"/data/{number}", f"{number:064}"),
            )
        connection.commit()
    desk.home.root.mkdir(parents=True, exist_ok=True)
    os.truncate(older, older.stat().st_size * 8 // 10)
    older.replace(desk.home.database)
    desk.json("fsck", "--repair", "--quick", code=1)
    with reading(open_database(desk.home.database)) as session:
        assert session.tuples("SELECT path FROM data_file WHERE id = 1") == [("<home>/runs/r1/rl.json",)]
        assert session.tuples("PRAGMA user_version")[0][0] == SCHEMA


@pytest.mark.parametrize("whose", ["newer", "foreign"])
def test_a_damaged_database_of_a_newer_version_or_another_program_is_left_alone(desk: Desk, whose: str) -> None:
    for number in range(100):
        store_eval(desk, SCORES, name=f"run {number} " + "x" * 400)
    with writing(desk.database) as session:
        session.run("PRAGMA user_version = 99" if whose == "newer" else "PRAGMA application_id = 99")
    cut_off(desk, 0.7)
    before = desk.home.database.read_bytes()
    said = desk.call("fsck", "--repair", code=4 if whose == "newer" else 2).stderr
    assert ("newer leverplus" if whose == "newer" else "nothing was changed") in said
    assert desk.home.database.read_bytes() == before
    assert not list(desk.home.root.glob("salvaged-*"))


def test_a_backup_says_that_it_made_a_folder(desk: Desk, tmp_path: Path) -> None:
    store_eval(desk, SCORES)
    target = tmp_path / "new" / "b.tar"
    assert f"{target.parent} was not there and was made for it" in desk.call("backup", str(target)).stderr
    assert "was made" not in desk.call("backup", str(target), "--yes").stderr


def test_answers_that_were_lost_are_asked_again(desk: Desk) -> None:
    store_eval(desk, SCORES)
    with writing(desk.database) as session:
        session.run("DELETE FROM prediction WHERE question_id > 2")
    desk.call("fsck", "--repair")
    with reading(desk.database) as session:
        assert store.unanswered(session, run_id=1) == 2


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_home_whose_database_is_missing_is_not_begun_anew_among_its_runs(
    desk: Desk, tmp_path: Path, how: str
) -> None:
    run_id = trained(desk)
    desk.call("backup", str(tmp_path / "b.tar"))
    desk.database.dispose()
    for path in desk.home.root.glob("leverplus.db*"):
        path.unlink()
    if how == "empty":
        desk.home.database.touch()
    for words in (["runs"], ["runs"], ["fsck", "--repair"]):
        said = desk.call(*words, code=2).stderr
        assert "leverplus restore FILE" in said
    assert checkpoint(desk, run_id).exists()
    desk.call("restore", str(tmp_path / "b.tar"), "--yes")
    assert [run["id"] for run in desk.json("runs")] == ["r1"]


BOOT = process.boot_id()


def at_work(desk: Desk, pid: int, pid_start: str, boot_id: str = BOOT) -> str:
    """A run that is stored as worked on by this process; how it is called."""
    with writing(desk.database) as session:
        run = store.create_run(session, spec=EvalSpec(), environment={})
        store.start_process(
            session,
            run_id=run.id,
            pid=pid,
            pid_start=pid_start,
            boot_id=boot_id,
            host=process.host(),
            argv=[],
            log_path="",
        )
        store.set_state(session, run_id=run.id, state="running")
    return store.ref(run.id)


@pytest.mark.parametrize(
    ("pid", "pid_start", "boot_id", "reason"),
    [
        (2**22 + 1, "1", BOOT, "is gone without a word"),
        (os.getpid(), "1", BOOT, "is gone without a word"),
        (os.getpid(), process.pid_start(os.getpid()), "another-boot/pid:[1]", "the machine was restarted"),
    ],
    ids=["killed", "recycled pid", "restarted machine"],
)
@pytest.mark.parametrize("look", ["show", "runs", "delete"])
def test_the_next_look_of_any_command_finds_a_dead_job(
    desk: Desk, look: str, pid: int, pid_start: str, boot_id: str, reason: str
) -> None:
    name = at_work(desk, pid, pid_start, boot_id)
    if look == "delete":
        desk.call("delete", name, "--yes")
        assert desk.json("trash")[0]["run"] == name
        desk.call("trash", "restore", name)
        assert f"{name} is not in the trash" in desk.call("trash", "restore", name, code=2).stderr
    state = desk.json("runs")[0]["state"] if look == "runs" else desk.json("show", name)["state"]
    assert state == "lost"
    assert reason in desk.detail(int(name[1:])).processes[-1].reason


def test_a_job_that_was_frozen_for_longer_than_it_promised_is_stalled_and_no_other_program_ends_it(desk: Desk) -> None:
    """As a laptop that slept: the process is there, and has not been heard of."""
    name = at_work(desk, os.getpid(), process.pid_start(os.getpid()))
    with writing(desk.database) as session:
        session.run("UPDATE process SET heartbeat_at = heartbeat_at - 3600000000")
    assert "stalled" in desk.call("runs").stdout
    assert "is running" in desk.call("delete", name, "--yes", code=1).stderr
    with writing(desk.database) as session:
        store.heartbeat(session, process_id=1)
    assert "stalled" not in desk.call("runs").stdout


@pytest.mark.parametrize("repair", [(), ("--repair",)])
def test_a_database_that_cannot_be_read_now_is_not_called_damaged(
    desk: Desk, repair: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(desk)
    desk.database.dispose()
    monkeypatch.setattr(check, "check_copy", partial(check_copy, busy_seconds=0))
    with closing(sqlite3.connect(desk.home.database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert "is held by another program" in desk.call("fsck", *repair, code=4).stderr
    assert list(desk.home.root.glob("*damaged*")) == []


def test_a_home_without_a_database_is_not_checked(desk: Desk) -> None:
    assert "nothing to check" in desk.call("fsck", code=2).stderr
    open_database(desk.home.database)
    assert desk.call("fsck").stdout.endswith("is sound\n")


def test_a_home_that_cannot_be_written_is_listed_though_a_job_died(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = trained(desk)
    monkeypatch.setattr(store, "active_processes", lambda _: [SimpleNamespace(ended=None)])
    monkeypatch.setattr(store, "is_alive", lambda _: False)

    def refuse(_: object) -> NoReturn:
        raise DatabaseUnwritable("leverplus.db is read-only")

    monkeypatch.setattr(dead_jobs, "writing", refuse)
    assert [one["id"] for one in desk.json("runs")] == [f"r{run_id}"]
