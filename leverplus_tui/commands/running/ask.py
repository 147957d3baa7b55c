"""`leverplus ask`: a question of an evaluation, asked again with other demonstrations or words."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from db import store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import PromptSpec, TrialSpec, UserError
from db.specs.ask import LONGEST_IDLE_S, MOST_SHOWN
from leverplus_tui.commands.database import find_run_id, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunArgument
from leverplus_tui.jobs import asking
from leverplus_tui.text.numbers import score
from leverplus_tui.text.output import put, put_json, say, table
from leverplus_tui.text.times import iso, moment

LOOK_S = 0.05
NONE = "none"


def ask(
    run: RunArgument,
    question: Annotated[
        int | None, typer.Option("--question", metavar="ID", help="question_id of a question that the run answered.")
    ] = None,
    demo: Annotated[
        list[str] | None,
        typer.Option(
            "--demo",
            metavar="ID",
            help="question_id of a train question to show; repeat in prompt order; `none` shows none.",
        ),
    ] = None,
    text: Annotated[str, typer.Option("--text", help="Ask this in place of the question's text.")] = "",
    image: Annotated[
        Path | None, typer.Option("--image", help="Show this file in place of the question's image.")
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            "--prompt", metavar="FIELD=TEXT", help="Change the prompt: system, demonstration, query, max_pixels."
        ),
    ] = None,
    shot: Annotated[
        int | None,
        typer.Option(
            "--shot",
            metavar="N",
            min=0,
            max=MOST_SHOWN,
            help="Begin from the run's answer at so many shots [the most].",
        ),
    ] = None,
    idle: Annotated[
        int | None,
        typer.Option(
            "--idle",
            metavar="SECONDS",
            min=1,
            max=LONGEST_IDLE_S,
            help="The job ends when nobody asks for so long [600].",
        ),
    ] = None,
    tried: Annotated[bool, typer.Option("--tried", help="List what was tried, and ask nothing.")] = False,
    forget: Annotated[
        list[int] | None, typer.Option("--forget", metavar="N", help="Take a note of what was tried away.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask a question of an evaluation again, as it was or changed. What is tried is a note and never a result.

    A job of its own holds the model: the first call starts it, later ones use it, and it ends by itself when unused.

    Example:
    leverplus ask r12 --question 4017
    leverplus ask r12 --question 4017 --demo 88 --demo 1203 --text "What animal is this?"
    leverplus ask r12 --question 4017 --tried
    """
    place, database = open_home(home)
    with reading(database) as session:
        run_id = find_run_id(session, run)
    if forget:
        with writing(database) as session:
            known = {one.id for one in store.trials(session, run_id=run_id)}
            if missing := [one for one in forget if one not in known]:
                raise UserError(
                    f"nothing numbered {missing[0]} was tried on r{run_id}: `leverplus ask r{run_id} --tried` lists"
                )
            store.forget_trials(session, trial_ids=forget)
        say(f"forgotten: {', '.join(map(str, forget))}")
    elif tried:
        with reading(database) as session:
            _list(store.trials(session, run_id=run_id, question_id=question), as_json)
    elif question is None:
        raise UserError(f"--question is missing: give the id of a question that r{run_id} answered, or --tried")
    else:
        with reading(database) as session:
            before = asking.stored_answer(session, run_id, question, shot)
        request = _request(before, demo, text, image, prompt, place)
        number = asking.ask(place, run_id, request, asker=asking.this_terminal(), idle_s=idle)
        _show(_awaited(place, run_id, number), before, as_json)


def _request(
    before: store.PredictionRow, demo: Sequence[str] | None, text: str, image: Path | None, prompt: Sequence[str] | None,
    place: Home,
) -> TrialSpec:  # fmt: skip
    """The stored request with the changes. Raises UserError for what cannot be asked."""
    shown = before.demonstrations if not demo else () if list(demo) == [NONE] else tuple(map(_id, demo))
    try:
        changed = _prompt(before.run_id, prompt, place) if prompt else None
        return TrialSpec(
            question_id=before.question_id, shot=before.shot, demonstrations=shown, question=text,
            image=str(image.absolute()) if image else "", prompt=changed,
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"{'.'.join(map(str, first['loc'])) or 'prompt'}: {first['msg'].removeprefix('Value error, ')}"
        ) from None


def _id(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -(2**63)
    if not -(2**63) < number < 2**63:
        raise UserError(f"--demo {text}: give the question_id of a train question, a whole number, or `{NONE}` alone")
    return number


def _prompt(run_id: int, changes: Sequence[str], place: Home) -> PromptSpec:
    with reading(open_database(place.database)) as session:
        values: dict[str, Any] = asking.asked_spec(session, run_id).prompt.model_dump()
    for change in changes:
        field, sign, value = change.partition("=")
        if not sign or field not in values:
            raise UserError(f"--prompt {change}: write FIELD=TEXT, where FIELD is one of {', '.join(values)}")
        values[field] = value
    return PromptSpec.model_validate(values)


def _awaited(place: Home, run_id: int, number: int) -> store.TrialRow:
    """The answer once it is there. Raises UserError where the job ended without it; Ctrl-C takes the request back."""
    database, told = open_database(place.database), ""
    try:
        while True:
            with reading(database) as session:
                found = store.trial(session, trial_id=number)
            if found is None:
                raise UserError(f"request {number} was taken away meanwhile: ask again")
            if not found.is_open:
                return found
            job = asking.standing(database, run_id)
            if not job.is_up and job.state == "done":
                asking.start(place, run_id)  # it ended in the moment in which it was asked
            elif not job.is_up and job.state != "queued":
                _take_back(place, number)
                raise UserError(
                    f"r{job.job}, which was asked, is {job.state}: {job.reason or f'see `leverplus logs r{job.job}`'}; "
                    "ask again to start it anew"
                )
            if not job.is_ready and (words := f"r{job.job} {job.note or 'starts'}") != told:
                say(told := words)
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        _take_back(place, number)
        raise


def _take_back(place: Home, number: int) -> None:
    with writing(open_database(place.database)) as session:
        store.forget_trials(session, trial_ids=[number])


def _show(found: store.TrialRow, before: store.PredictionRow, as_json: bool) -> None:
    if as_json:
        put_json(
            {**_document(found), "stored": _stored(before), "same_request": found.request_sha == before.request_sha}
        )
    elif not found.error:
        lines = [
            ("stored", before.answer or "(empty)", score(before.score), "cut" if before.cut else "", _ids(before.demonstrations)),
            ("now", found.answer or "(empty)", score(found.score or 0.0), "cut" if found.cut else "",
             _ids(found.request.demonstrations)),
        ]  # fmt: skip
        put(table(("", "answer", "score", "", "demonstrations"), lines, right=(2,)))
        same = "the same request" if found.request_sha == before.request_sha else "a changed request"
        put(f"{'same' if found.answer == before.answer else 'different'} answer to {same}, in {found.seconds:.2f} s; "
            "a note, no result")  # fmt: skip
    if found.error:
        say(f"leverplus: no answer: {found.error}")
        raise typer.Exit(1)


def _ids(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids)) or "none"


def _stored(row: store.PredictionRow) -> dict[str, Any]:
    return {
        "answer": row.answer, "raw": row.raw, "score": row.score, "cut": row.cut, "error": row.error,
        "demonstrations": list(row.demonstrations), "prompt_sha": row.prompt_sha, "request_sha": row.request_sha,
    }  # fmt: skip


def _document(row: store.TrialRow) -> dict[str, Any]:
    return {
        "trial": row.id, "run": store.ref(row.run_id), "state": row.state, "request": row.request.model_dump(mode="json"),
        "answer": row.answer, "raw": row.raw, "score": row.score, "cut": row.cut, "log_prob": row.log_prob,
        "seconds": row.seconds, "error": row.error, "prompt_sha": row.prompt_sha, "request_sha": row.request_sha,
        "picks": list(row.picks), "asked": iso(row.created), "answered": iso(row.answered),
    }  # fmt: skip


def _list(rows: Sequence[store.TrialRow], as_json: bool) -> None:
    if as_json:
        put_json({"tried": [_document(row) for row in rows]})
        return
    lines = [
        (str(row.id), str(row.question_id), moment(row.created), row.error or row.answer or row.state,
         score(row.score) if row.score is not None and math.isfinite(row.score) else "", _ids(row.request.demonstrations),
         row.request.question)
        for row in rows
    ]  # fmt: skip
    put(table(("", "question", "asked", "answer", "score", "demonstrations", "text"), lines, right=(0, 1, 4)))
