"""What was read of somebody else's file, to be confirmed before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, Vertical
from textual.content import Content
from textual.widgets import Static

from db.home import Home
from db.session import DatabaseFile
from db.user_error import UserError
from engine.doctor.readings import reading_findings
from engine.figures.predictions import check_answers
from engine.figures.readers import read_file
from engine.figures.reading import Reading
from leverplus_tui.results.imports.readings import reading_lines
from leverplus_tui.results.imports.taking import Told, take
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import finding_lines
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.dialogs import YesOrNo, keys_line
from leverplus_tui.tui.ways import by_keys

Answer = Literal["take", "dataset", "vlm", "shot"] | None
KEYS = {"dataset": "d", "vlm": "m", "shot": "s"}
"""What can be said of a file -> the key that asks for it."""
NAMES = {"dataset": "data set", "vlm": "model", "shot": "shots"}
QUESTIONS = {
    "dataset": "Which data set are they of?",
    "vlm": "Which model gave them?",
    "shot": "With how many demonstrations were they given?",
}


def read(path: Path, dataset: str = "", vlm: str = "", shot: str = "") -> Reading:
    """What a file holds. Raises UserError where it is of no known layout, or says another data set or model."""
    found = read_file(path, dataset=dataset, vlm=vlm)
    if _number(shot) is None:
        return found
    return replace(found, questions=tuple(one for one in found.questions if "--shot" not in one))


def _number(shot: str) -> int | None:
    """As it was typed; None for nothing. Raises UserError."""
    if shot and not shot.isdecimal():
        raise UserError(f"'{shot}' is no number of demonstrations: give a whole number, such as 2")
    return int(shot) if shot else None


def read_as(path: Path, said: Mapping[str, str], what: str, given: str) -> Reading:
    """The same where one more thing is said of it."""
    return read(path, **{**said, what: given})


def store(home: Home, database: DatabaseFile, found: Reading, dataset: str, vlm: str, shot: str) -> str:
    """Store a reading, and say what became of it. Raises UserError where its answers cannot be scored."""
    entries, _ = take(home, database, [found], Told(dataset=dataset, vlm=vlm, shot=_number(shot)))
    known = sum("already" in entry for entry in entries)
    names = ", ".join(entry["run"] for entry in entries[:6]) + (", ..." if len(entries) > 6 else "")
    return shown(f"{plural(len(entries), 'run')} of {found.path.name}: {names}") + (
        shown(f"; there before: {known}") if known else ""
    )


class ConfirmReading(YesOrNo[Answer]):
    """Shows the reading; takes it, lets data set, model or demonstrations be said first, or leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('take')", "import", id="import.take"),
        Binding("d", "answer('dataset')", "say the data set", id="import.dataset"),
        Binding("m", "answer('vlm')", "say the model", id="import.vlm"),
        Binding("s", "answer('shot')", "say how many demonstrations were shown", id="import.shot"),
        Binding("n,escape", "answer", "leave it", key_display="n", id="import.leave"),
    ]

    def __init__(self, found: Reading, said: Mapping[str, str]) -> None:
        """`said` of the file so far."""
        super().__init__()
        self.found, self.said = found, said
        told = [shown(f"{NAMES[what]}: {text}") for what, text in said.items() if text]
        self.lines = [
            *(_by_keys(line) for line in reading_lines(found)),
            *(["  told", *(f"    {one}" for one in told)] if told else ()),
        ]
        self.warnings = finding_lines(one for one in reading_findings([found]) if one.severity != "info")

    def compose(self) -> ComposeResult:
        """The question, what was taken for what, the keys."""
        with Vertical(classes="dialog reading"):
            yield Static(Content.styled(shown("Is this what the file says?"), "bold"))
            with ScrollableContainer():
                told = Content("\n").join(Content(clean(line)) for line in self.lines)
                faults = [Content.styled(f"\n{clean(line)}", "$warning") for line in self.warnings]
                yield Static(Content("").join([told, *faults]))
            yield Static("", id="refused", markup=False, classes="-refused")
            yield keys_line(("y", "import"), ("d", "data set"), ("m", "model"), ("s", "shots"), ("n", "leave it"))

    def on_mount(self) -> None:
        """Arrows scroll at once."""
        self.query_one(ScrollableContainer).focus()

    def action_answer(self, answer: Answer = None) -> None:
        """Close with the answer; what cannot be scored is refused here, where more can be said of it."""
        if answer == "take" and (refused := self._refused()):
            place = self.query_one("#refused", Static)
            place.update(refused)
            place.display = True
            return
        self.dismiss(answer)

    def _refused(self) -> str:
        try:
            check_answers(
                str(self.found.path), self.found.answers, shot=_number(self.said["shot"]), dataset=self.said["dataset"]
            )
        except UserError as error:
            return _by_keys(str(error))
        return ""


def _by_keys(sentence: str) -> str:
    return by_keys(sentence, {f"--{name}": key for name, key in KEYS.items()})
