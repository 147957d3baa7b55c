"""The page that asks a model: a request is changed, asked, answered by a job that the test plays, and taken up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from db import rows, store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import AskSpec, EvalSpec, ImportSpec, UserError
from engine.data.sample import Sample
from leverplus_tui.jobs import launcher, preflight
from leverplus_tui.tui.messages import AskModel, OpenRun
from leverplus_tui.tui.screens.ask import trying
from leverplus_tui.tui.screens.ask.page import AskScreen
from leverplus_tui.tui.screens.ask.search import FindQuestion
from leverplus_tui.tui.screens.run.page import RunScreen
from tests.helpers_tui import fill, kept, opened, settled, text_of, until

NEIGHBOURS, TRAINING, QUESTION = 2, 4, 1003
HOSTILE = "[bold]x[/bold] \x1b[31mred\x1b[0m {answer} \u202e\x07"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Evaluations made by hand; no job is started."""
    monkeypatch.setattr(preflight, "check", lambda *_, **__: preflight.Checked(()))
    monkeypatch.setattr(launcher, "start", lambda *_, **__: None)
    return fill(tmp_path)


@dataclass
class Job:
    """What a job would do."""

    home: Home
    process: int = 0

    def begin(self, note: str = "") -> None:
        """A process of the run that is asked, which is this test's."""
        import os

        from db import process

        database = open_database(self.home.database)
        with writing(database) as session:
            run = store.asking_run(session, run_id=NEIGHBOURS)
            assert run is not None
            assert run.id is not None
            row = store.start_process(
                session, run_id=run.id, pid=os.getpid(), pid_start=process.pid_start(os.getpid()),
                boot_id=process.boot_id(), host=process.host(), argv=[], log_path="", promise_s=3600,
            )  # fmt: skip
            assert row.id is not None
            self.process = row.id
            store.set_state(session, run_id=run.id, state="running")
            if note:
                store.add_rows(
                    session, run_id=run.id, process_id=row.id, rows=[rows.Progress(0, 0, "answers", note=note)]
                )

    def answer(self, **fields: Any) -> store.TrialRow:
        """Take the oldest request and answer it."""
        database = open_database(self.home.database)
        with writing(database) as session:
            run = store.asking_run(session, run_id=NEIGHBOURS)
            taken = store.take_trial(session, run_id=NEIGHBOURS, process_id=self.process)
            assert taken is not None
            assert run is not None
            assert run.id is not None
            said: dict[str, Any] = {
                "raw": "teal", "answer": "teal", "score": 0.3, "cut": False, "log_prob": -1.5, "seconds": 0.2,
                "prompt_sha": "p", "request_sha": "other", "error": "", "reasoning": "", "picks": (),
            } | fields  # fmt: skip
            store.add_rows(session, run_id=run.id, process_id=self.process, rows=[rows.TrialReply(taken[0], **said)])
            found = store.trial(session, trial_id=taken[0])
        assert found is not None
        return found

    def end(self, state: str, reason: str = "") -> None:
        """The process ends."""
        with writing(open_database(self.home.database)) as session:
            store.end_process(session, process_id=self.process, state=state, exit_code=0, reason=reason)

    def trials(self) -> list[store.TrialRow]:
        """What was asked, newest first."""
        with reading(open_database(self.home.database)) as session:
            return store.trials(session, run_id=NEIGHBOURS)


@asynccontextmanager
async def asking_page(home: Home, size: tuple[int, int] = (120, 36), shot: int = 2) -> AsyncIterator[Pilot[None]]:
    async with opened(home, size) as pilot:
        pilot.app.post_message(AskModel(NEIGHBOURS, QUESTION, shot))
        await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen) and page(pilot).draft is not None)
        await settled(pilot)
        yield pilot


def page(pilot: Pilot[None]) -> AskScreen:
    found = next(one for one in reversed(pilot.app.screen_stack) if isinstance(one, AskScreen))
    return found


def demonstrations(pilot: Pilot[None]) -> tuple[int, ...]:
    draft = page(pilot).draft
    assert draft is not None
    return draft.demonstrations


async def shows(pilot: Pilot[None], *words: str) -> None:
    """Until these words stand there, wherever lines break: over the whole width, or at either side."""
    await until(pilot, lambda: all(any(one in text for text in texts(pilot)) for one in words))


def texts(pilot: Pilot[None]) -> list[str]:
    """The screen, and its two columns, each as one line."""
    lines = text_of(pilot).splitlines()
    right = page(pilot).query_one("#ask-right").region.x if isinstance(pilot.app.screen, AskScreen) else 0
    columns = (lines, [line[:right] for line in lines], [line[right + 1 :] for line in lines])
    return [" ".join(" ".join(column).split()) for column in columns]


def pick(of: int | None, *best: tuple[int | None, float], said: str = "") -> dict[str, Any]:
    picked = [best[0][1], 1] if of is not None and best else None
    return {
        "of": of, "measure": "probability" if best else "", "best": [list(one) for one in best], "pool": 20,
        "picked": picked, "said": said,
    }  # fmt: skip


async def test_a_question_of_the_answers_is_asked_again(home: Home) -> None:
    async with opened(home) as pilot:
        pilot.app.post_message(OpenRun(NEIGHBOURS, "answers"))
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and "most said" in text_of(pilot))
        await settled(pilot)
        await pilot.press("j", "j", "j", "M")
        await shows(pilot, "Ask the model r2 neighbours #1003 at 2 shots", "notes, no results", "not asked yet")
        assert demonstrations(pilot) == (1003, 1004)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))


async def test_a_training_has_no_question_to_ask(home: Home) -> None:
    async with opened(home) as pilot:
        pilot.app.post_message(OpenRun(TRAINING))
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and "grpo-k64" in text_of(pilot))
        await pilot.press("M")
        await until(pilot, lambda: "Only an evaluation can be asked about" in kept(pilot))


async def test_demonstrations_are_reordered_taken_out_and_put_back(home: Home) -> None:
    async with asking_page(home) as pilot:
        await pilot.press("J")
        assert demonstrations(pilot) == (1004, 1003)
        assert page(pilot).place == 1  # the cursor went along
        await pilot.press("J", "K", "K")
        assert demonstrations(pilot) == (1003, 1004)
        await pilot.press("x")
        assert demonstrations(pilot) == (1004,)
        await pilot.press("x", "x", "K")
        assert demonstrations(pilot) == ()
        await pilot.press("u")
        assert demonstrations(pilot) == (1003, 1004)


async def test_it_is_asked_and_answered_beside_the_stored_answer(home: Home) -> None:
    job = Job(home)
    async with asking_page(home) as pilot:
        await shows(pilot, "a asks: a job of its own then loads builtin")
        await pilot.press("J", "a")
        await shows(pilot, "waiting, asked")
        (asked,) = job.trials()
        assert asked.request.demonstrations == (1004, 1003)
        job.begin(note="loads builtin")
        await shows(pilot, "is loading the model builtin", "so far", "Your question waits")
        job.answer(
            picks=(pick(1004, (1004, 0.6), (1005, 0.3)), pick(1003, (1003, 0.5), (1006, 0.4)), pick(None, (1007, 0.9)))
        )
        await shows(pilot, "teal score 0.30", "different answer, changed request", "log p of what most said -1.50")
        page(pilot).shown.move_to(0)
        await shows(pilot, "pick 1: probability in a pool of 20; this one 60.0%, number 1", "30.0%")
        page(pilot).shown.move_to(2)
        await shows(pilot, "next pick: probability in a pool of 20", "90.0%")
        page(pilot).shown.move_to(0)
        await shows(pilot, "30.0%")
        page(pilot).preferred.focus()
        await pilot.press("j", "enter")
        assert demonstrations(pilot) == (1005, 1003)
        await shows(pilot, "of what stood here before: a asks anew", "pick 1: not in what was asked last")


async def test_the_same_answer_to_the_same_request_is_marked(home: Home) -> None:
    job = Job(home)
    async with asking_page(home) as pilot:
        await pilot.press("a")
        await shows(pilot, "waiting, asked")
        job.begin(note="waits for questions")
        stored = page(pilot).found
        assert stored is not None
        row = stored.stored
        job.answer(answer=row.answer, score=row.score, request_sha=row.request_sha)
        await shows(pilot, "same answer, same request", "holds builtin, waits for questions")


async def test_a_job_that_ended_is_started_again_without_asking_twice(home: Home) -> None:
    job = Job(home)
    async with asking_page(home) as pilot:
        await pilot.press("a")
        await shows(pilot, "waiting, asked")
        job.begin()
        job.end("failed", "out of memory: lower max_pixels")
        await shows(pilot, "is failed: out of memory: lower max_pixels. Your question waits. a starts it again")
        await pilot.press("a")
        await until(pilot, lambda: page(pilot).found and page(pilot).found.standing.state == "queued")  # type: ignore[union-attr]
        assert len(job.trials()) == 1
        job.begin()
        job.answer()
        await shows(pilot, "teal")
        job.end("done")
        await shows(pilot, "has ended, for nobody asked. a starts it again")


async def test_a_request_that_preflight_blocks_is_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def blocked(*_: object) -> int:
        raise UserError("r2 cannot be asked now: the model is gone")

    monkeypatch.setattr(trying, "ask", blocked)
    async with asking_page(home) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: "r2 cannot be asked now: the model is gone" in kept(pilot))
        await shows(pilot, "not asked yet")


async def test_what_was_tried_is_listed_taken_up_and_taken_away(home: Home) -> None:
    job = Job(home)
    async with asking_page(home) as pilot:
        await pilot.press("x", "a")
        await shows(pilot, "waiting, asked")
        job.begin()
        job.answer(answer="first")
        await pilot.press("u", "a")
        await until(pilot, lambda: len(job.trials()) == 2)
        job.answer(answer="second")
        await shows(pilot, "second")
        await pilot.press("t")
        await shows(pilot, "tried on this question: 2", "1 shown", "nothing")
        await pilot.press("j", "enter")
        await until(pilot, lambda: demonstrations(pilot) == (1004,))
        await shows(pilot, "now first")
        page(pilot).tried.focus()
        await pilot.press("D")
        await shows(pilot, "Take this note away?")
        await pilot.press("y")
        await until(pilot, lambda: len(job.trials()) == 1)
        await shows(pilot, "tried on this question: 1")
        assert job.trials()[0].answer == "second"


def samples(count: int = 300) -> list[Sample]:
    """Train questions; the one with the number 7 says what is hostile."""
    return [
        Sample(
            question_id=5000 + place, image_id=place, question=HOSTILE if place == 7 else f"Is number {place} here?",
            answers=("yes",) * 10, label="yes" if place % 2 else "no", image=Path("/nowhere.png"),
        )
        for place in range(count)
    ]  # fmt: skip


async def test_a_train_question_is_found_by_its_words(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "candidates", lambda *_: samples())
    async with asking_page(home) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindQuestion))
        await shows(pilot, "the first 200: more words narrow them")
        await pilot.press(*"number", "space", *"25", "space", *"yes")
        await shows(pilot, "8 questions", "Is number 25 here?")
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(demonstrations(pilot)) == 3)
        assert demonstrations(pilot)[-1] == 5125
        await shows(pilot, "3 Is number 125 here?")
        page(pilot).shown.move_to(0)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindQuestion))
        await pilot.press(*"5042", "enter")
        await until(pilot, lambda: demonstrations(pilot)[0] == 5042)


async def test_no_more_than_a_prompt_holds(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "candidates", lambda *_: samples(9))
    async with asking_page(home) as pilot:
        for number in range(6):
            await pilot.press("n")
            await until(pilot, lambda: isinstance(pilot.app.screen, FindQuestion))
            await pilot.press(*str(5000 + number), "enter")
            await until(pilot, lambda: demonstrations(pilot)[-1] >= 5000)
            assert len(demonstrations(pilot)) == 3 + number
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindQuestion))
        await pilot.press(*"5008", "enter")
        await until(pilot, lambda: "A prompt shows 8 demonstrations at most: x takes one out" in kept(pilot))


async def test_question_image_and_prompt_are_edited(home: Home) -> None:
    job = Job(home)
    async with asking_page(home) as pilot:
        await typed(pilot, "e", "What is [this]?")
        await shows(pilot, "What is [this]? changed: question")
        await typed(pilot, "i", "/nowhere/at.png")
        await until(pilot, lambda: "There is no file /nowhere/at.png" in kept(pilot))
        await pilot.press("p")
        await shows(pilot, "Which text of the prompt?")
        await typed(pilot, "enter", "Answer me")
        await until(pilot, lambda: any("query must contain {question}" in one for one in kept(pilot)))
        await pilot.press("p")
        await shows(pilot, "Which text of the prompt?")
        await typed(pilot, "enter", "Q: {question}\\nA:")
        await shows(pilot, "changed: question, prompt")
        await pilot.press("a")
        await until(pilot, lambda: len(job.trials()) == 1)
        request = job.trials()[0].request
        assert request.question == "What is [this]?"
        assert request.prompt is not None
        assert request.prompt.query == "Q: {question}\nA:"
        await typed(pilot, "e", "")
        draft = page(pilot).draft
        assert draft is not None
        assert draft.question == ""


async def typed(pilot: Pilot[None], key: str, text: str) -> None:
    """Press a key that asks for a line, and give this one."""
    await pilot.press(key)
    await until(pilot, lambda: bool(pilot.app.screen.query(Input)))
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))


async def test_another_number_of_shots_is_another_beginning(home: Home) -> None:
    async with asking_page(home) as pilot:
        await pilot.press("o")
        await shows(pilot, "The answer at how many shots?")
        await pilot.press("enter")
        await shows(pilot, "#1003 at 0 shots")
        assert demonstrations(pilot) == ()


async def test_hostile_text_is_shown_as_text(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "candidates", lambda *_: samples(9))
    job = Job(home)
    async with asking_page(home) as pilot:
        await typed(pilot, "e", HOSTILE)
        await pilot.press("a")
        await shows(pilot, "waiting, asked")
        job.begin(note=HOSTILE)
        job.answer(
            answer=HOSTILE, picks=(pick(1003, (1003, 0.5), (999_999, 0.1)), pick(None, (None, 0.9), said=HOSTILE))
        )
        await shows(pilot, "[bold]x[/bold] red {answer}")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindQuestion))
        await pilot.press(*"red")
        await shows(pilot, "1 question")
        await pilot.press("enter")
        await until(pilot, lambda: demonstrations(pilot)[-1] == 5007)
        page(pilot).shown.move_to(3)
        await shows(pilot, "STOP: nothing more")
        page(pilot).shown.move_to(0)
        await shows(pilot, "#999999 (not stored)")
        job.end("failed", HOSTILE)
        await shows(pilot, "is failed: [bold]x")
        assert "\x1b" not in text_of(pilot)
        assert "\u202e" not in text_of(pilot)


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (200, 50)])
async def test_it_fits(home: Home, size: tuple[int, int]) -> None:
    job = Job(home)
    async with asking_page(home, size) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: len(job.trials()) == 1)
        job.begin(note="waits for questions")
        job.answer(picks=(pick(1003, (1003, 0.6), (1005, 0.3)), pick(1004, (1004, 0.6)), pick(None, (1007, 0.9))))
        await shows(pilot, "teal", "60.0%")
        view = page(pilot)
        for table in (view.shown, view.preferred):
            assert table.region.height >= 2
            assert table.region.bottom <= size[1]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (ImportSpec(source="report.md"), "r7 was imported"),
        (AskSpec.about(NEIGHBOURS, EvalSpec()), "r7 answers what is asked about r2"),
    ],
)
async def test_a_run_that_cannot_be_made_again_is_shown_and_says_so(home: Home, spec: Any, told: str) -> None:
    with writing(open_database(home.database)) as session:
        assert store.create_run(session, spec=spec, environment={}).id == 7
    async with opened(home) as pilot:
        pilot.app.post_message(OpenRun(7, "config"))
        await until(pilot, lambda: "field" in text_of(pilot) and "dataset" in text_of(pilot))
        for times, key in enumerate("ey", start=1):
            await pilot.press(key)
            await until(pilot, partial(told_so_often, pilot, told, times))


def told_so_often(pilot: Pilot[None], words: str, times: int) -> bool:
    return sum(words in one for one in kept(pilot)) == times
