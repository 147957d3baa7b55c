"""No argument and no name brings a traceback: whatever is typed, the answer is a sentence and an exit code."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from db import process, store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import EvalSpec, TrainSpec, UserError
from db.specs.terms import BadFilter, parse
from db.store.jobs.runs import one_line
from engine.job import recorder, worker
from leverplus_tui.cli import app
from leverplus_tui.commands.lazy import shortened
from leverplus_tui.jobs import launcher, spawning
from leverplus_tui.report.blocks import Bullets, Code, Heading, Table
from leverplus_tui.report.forms.markdown import to_markdown
from leverplus_tui.text.output import markdown_text

COMMANDS = (
    ["runs"], ["runs", "--where"], ["runs", "--sort"], ["runs", "-n"], ["show"], ["logs"], ["compare"], ["report"], ["stop"],
    ["resume"], ["rerun"], ["tag"], ["rename"], ["note"], ["delete"], ["data", "add"], ["data", "list"], ["data", "show"],
    ["data", "forget"], ["data", "health"], ["data", "derive"], ["data", "export"], ["doctor"], ["doctor", "--expect"],
    ["convert"], ["import"], ["import", "--dataset"], ["run", "eval"], ["run", "eval", "--set"], ["run", "eval", "--spec"],
    ["run", "rce"], ["run", "grpo", "--set"], ["run", "generate", "--set"], ["run", "embed", "--set"],
    ["run", "eval", "--priority"], ["run", "eval", "--memory"], ["run", "eval", "--retries"], ["run", "eval", "--time-limit"],
    ["run", "eval", "--queue", "--then"], ["priority", "r1"],
)  # fmt: skip
VALUES = (
    "",
    " ",
    "r1",
    "1",
    "d1",
    "-1",
    "r99999999999999999999",
    "9" * 30,
    "9" * 5000,
    "1e400",
    "nan",
    "-inf",
    "\udcff",
    "a\udcffb.json",
    "a\nb",
    "a\tb",
    "\x1b[31m",
    "../..",
    "/",
    "/dev/null",
    "/dev/zero",
    "/proc/self/mem",
    "~nobody/x",
    "a" * 5000,
    "a/" * 3000,
    "seed=" + "9" * 40,
    "seed=-1",
    "seed=1e3",
    "seed=0x10",
    "shots=[",
    "shots=" + "1," * 3000,
    "decode={a=1}",
    "decode=" + "[" * 3000,
    "decode." * 400 + "a=1",
    "name=\udcff",
    "limit=" + "9" * 25,
    "limit=nan",
    "=",
    "x=",
    "=x",
    "kind=grpo",
    "%s%n{0}",
    "'; DROP TABLE run",
    "kind:eval",
    "acc@2>1e999",
    "id:r" + "9" * 400,
    "created:9999999",
    "age>" + "9" * 400 + "d",
    "tag:" + ",".join(map(str, range(40_000))),
    "a " * 3000,
    '"',
    '"a',
    "--",
    "-",
    "state:\udcff",
    "name=(",
    "n>" + "9" * 400,
    "builtin",
    "fifo",
    "folder",
    "deep.toml",
    "deep.json",
    "min.a>1",
    "acc@9 desc",
    "\0"[:0],
    "漢字",
    "🙂",
    "\u202e",
    "loss\ud800",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with two runs, in a folder of odd files; no job is ever started from it."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise UserError("no job is started by this test")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launcher, "start", refuse)
    os.mkfifo("fifo")
    Path("folder").mkdir()
    Path("deep.toml").write_text("a = " + "[" * 9000)
    Path("deep.json").write_text("[" * 9000)
    place = Home(tmp_path / "home")
    with writing(open_database(place.database)) as session:
        for spec in (EvalSpec(shots=(1,)), TrainSpec(kind="rce", rl_data="builtin", embeddings="builtin")):
            store.create_run(session, spec=spec, name="odd\nname \udcff | <b>", environment={})
    return place


def call(home: Home, words: list[str]) -> int:
    """The exit code; whatever is no exit is a failure of the test."""
    code: Any = app(["--home", str(home.root), *words], standalone_mode=False)
    return int(code or 0)


def test_no_argument_brings_a_traceback(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Each value alone for each command, then draws of several."""
    generator = random.Random(0)
    draws = [[*command, value] for command in COMMANDS for value in generator.sample(VALUES, 18)]
    draws += [[*generator.choice(COMMANDS), *generator.choices(VALUES, k=generator.randint(1, 4))] for _ in range(400)]
    for words in draws:
        try:
            code = call(home, words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        assert code in (0, 1, 2, 3), words
        assert "Traceback" not in said.out + said.err
        assert len(said.err) < 12_000, words
        (said.out + said.err).encode()


@pytest.mark.parametrize(
    "words",
    [
        ["show", "\udcff"],
        ["runs", "-n", "9" * 20],
        ["run", "eval", "--set", "seed=" + "9" * 30],
        ["run", "eval", "--seed", "-1"],
        ["run", "generate", "--seed", "-1"],
        ["run", "eval", "--queue", "--then", 'eval --name "'],
        ["run", "eval", "--priority", "9" * 20],
        ["run", "eval", "--memory", "1e300"],
        ["run", "eval", "--retries", "9" * 20],
        ["run", "eval", "--time-limit", "9" * 20 + "d"],
        ["priority", "r1", "9" * 20],
    ],
)
def test_a_refused_argument_gets_one_line_and_code_two(
    home: Home, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(home, words) == 2
    said = capsys.readouterr().err
    assert (said.count("\n"), said.startswith("leverplus: ")) == (1, True)


def test_forty_thousand_values_are_too_many_for_a_filter() -> None:
    with pytest.raises(BadFilter, match="40,000 values"):
        parse("tag:" + ",".join("a" for _ in range(40_000)))
    with pytest.raises(BadFilter, match="more than 500 terms"):
        parse("a " * 600)


def test_a_refusal_quotes_little_of_what_it_refuses() -> None:
    assert len(shortened(f"name = '{'a' * 5000}': too long")) < 250
    assert len(shortened("a " * 5000)) < 2100
    assert shortened("/a/path/of/ordinary/length is missing") == "/a/path/of/ordinary/length is missing"


def test_names_are_one_line_of_text(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert one_line("a\nb\udcff\u2028 漢字　é") == r"a\nb\udcff\u2028 漢字　é"
    call(home, ["rename", "r1", "one\ntwo"])
    call(home, ["runs"])
    assert r"one\ntwo" in capsys.readouterr().out
    with reading(open_database(home.database)) as session:
        assert "\n" not in store.get_run(session, run_id=1).name


def test_names_are_no_markup_in_a_markdown_report() -> None:
    name = "<script>alert(1)</script> [a](http://b) ![c](d) `e` |f| **g** <h> &lt; # i"
    text = to_markdown([Heading(name), Bullets([name]), Table([name], [[name]]), Code("```\n<b>")])
    outside = text[: text.index("````")]
    assert not any(
        f"{before}{sign}" in outside for sign in ("<", "[", "`", "&", "**") for before in (" ", "- ", "# ", ")")
    )
    assert "````\n```\n<b>\n````" in text
    assert markdown_text("val_loss 2 * 3 r12 eval-okvqa 0.5") == "val_loss 2 * 3 r12 eval-okvqa 0.5"


def test_a_home_that_became_read_only_keeps_the_true_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Giving the reserve back fails as well then, and must not hide why the run failed."""
    reserve = recorder.Reserve(tmp_path / "reserve", 10)

    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    reserve.release()


def test_a_stop_during_the_imports_of_a_job_waits_until_it_can_be_obeyed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited: list[set[Any]] = []

    def popen(*_: object, **__: object) -> SimpleNamespace:
        inherited.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return SimpleNamespace(pid=os.getpid(), poll=lambda: None)

    monkeypatch.undo()
    monkeypatch.setattr("subprocess.Popen", popen)
    monkeypatch.setattr(spawning, "_children", {})
    database = open_database(home.database)
    launcher.start(home, database, 1)
    assert {signal.SIGTERM, signal.SIGINT} <= inherited[0]
    assert not {signal.SIGTERM, signal.SIGINT} & signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert process.host()


def test_a_stop_that_came_during_the_imports_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    signal.pthread_sigmask(signal.SIG_BLOCK, worker.STOP_SIGNALS)
    try:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        stop = worker.StopRequest()
        assert stop.asked
        monkeypatch.setattr(worker, "_rows", lambda *_: pytest.fail("the recipe was imported"))
        job: Any = SimpleNamespace(label="r1", kind="eval")
        assert worker.carry_out([job], [SimpleNamespace()], stop).state == "stopped"  # type: ignore[list-item]
        stop.recipe_ended()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, worker.STOP_SIGNALS)
