"""What was read of somebody else's file, to be confirmed before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from db.home import Home
from db.session import DatabaseFile
from engine.doctor.readings import reading_findings
from engine.figures.readers import read_file
from engine.figures.reading import Reading
from leverplus_tui.results.imports.readings import reading_lines
from leverplus_tui.results.imports.taking import Told, take
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import finding_lines
from leverplus_tui.text.words import clean

Answer = Literal["take", "dataset", "vlm"] | None


def read(path: Path, dataset: str = "", vlm: str = "") -> Reading:
    """What a file holds. Raises UserError where it is of no known layout, or says another data set or model."""
    return read_file(path, dataset=dataset, vlm=vlm)


def read_as(path: Path, said: Mapping[str, str], what: str, given: str) -> Reading:
    """The same where one more thing is said of it."""
    return read(path, **{**said, what: given})


def store(home: Home, database: DatabaseFile, found: Reading, dataset: str, vlm: str) -> str:
    """Store a reading, and say what became of it. Raises UserError where its answers cannot be scored."""
    entries, _ = take(home, database, [found], Told(dataset=dataset, vlm=vlm))
    known = sum("already" in entry for entry in entries)
    names = ", ".join(entry["run"] for entry in entries[:6]) + (", ..." if len(entries) > 6 else "")
    return shown(f"{plural(len(entries), 'run')} of {found.path.name}: {names}") + (
        shown(f"; {known} were there before") if known else ""
    )


class ConfirmReading(ModalScreen[Answer]):
    """Shows the reading; takes it, lets data set or model be said first, or leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('take')", "import", id="import.take"),
        Binding("d", "answer('dataset')", "say the data set", id="import.dataset"),
        Binding("m", "answer('vlm')", "say the model", id="import.vlm"),
        Binding("n,escape", "answer", "leave it", key_display="n", id="import.leave"),
    ]

    def __init__(self, found: Reading) -> None:
        super().__init__()
        self.lines = reading_lines(found)
        self.warnings = finding_lines(one for one in reading_findings([found]) if one.severity != "info")

    def compose(self) -> ComposeResult:
        """The question, what was taken for what, the keys."""
        with Vertical(classes="dialog reading"):
            yield Static(Content.styled(shown("Is this what the file says?"), "bold"))
            with ScrollableContainer():
                told = Content("\n").join(Content(clean(line)) for line in self.lines)
                faults = [Content.styled(f"\n{clean(line)}", "$warning") for line in self.warnings]
                yield Static(Content("").join([told, *faults]))
            keys = (("y", "import"), ("d", shown("data set")), ("m", "model"), ("n", "leave it"))
            parts: list[str | tuple[str, str]] = []
            for key, word in keys:
                parts += [(key, "bold $primary"), f" {word}    "]
            yield Static(Content.assemble(*parts), classes="keys")

    def on_mount(self) -> None:
        """Arrows scroll at once."""
        self.query_one(ScrollableContainer).focus()

    def action_answer(self, answer: Answer = None) -> None:
        """Close with the answer."""
        self.dismiss(answer)
