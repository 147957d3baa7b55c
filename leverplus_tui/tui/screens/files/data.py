"""Data: the files and folders that were registered, what they are, whether they are still there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural, size
from leverplus_tui.text.shares import FEW_QUERIES
from leverplus_tui.text.states import FILE_ROLES
from leverplus_tui.text.times import age
from leverplus_tui.text.words import clean, fact, spaced
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import AddData, CopyText, EditLaunch, ImportFile
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.rl.page import RLDataScreen
from leverplus_tui.tui.screens.run.info import Part
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable
from leverplus_tui.tui.widgets.text import shorten

if TYPE_CHECKING:
    from db.store import DataRow

COLUMNS = (
    Column("name", "name", 14, flex=18),
    Column("kind", "kind", 11),
    Column("size", "size", 9, align="right", priority=1),
    Column("age", "added", 11, align="right", priority=3),
    Column("state", "state", 9, priority=2),
)


class DataScreen(PageScreen):
    """Registered files at the left, the one under the cursor at the right."""

    MODE = "data"
    PANE = "#file"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "add", "add", tooltip="register a file or folder; it is read where it lies", id="data.add"),
        Binding("n", "train", "train", tooltip="train a selector on this file", id="data.train"),
        Binding("e", "evaluate", "evaluate", tooltip="evaluate on this data set", id="data.evaluate"),
        Binding(
            "d",
            "derive('derive')",
            "derive",
            tooltip="filter or repair these RL data into a new file",
            id="data.derive",
        ),
        Binding("x", "derive('export')", "export", tooltip="write these RL data in another format", id="data.export"),
        Binding("y", "copy", "copy", tooltip="copy the path", id="data.copy"),
        Binding(
            "I", "import_file", "import", tooltip="import reports, results or another tracker's runs", id="data.import"
        ),
    ]

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._files: dict[int, DataRow] = {}

    def body(self) -> ComposeResult:
        """The list and the detail."""
        yield Empty("No data registered yet",
                    ["RL data, embeddings, sampler caches and data sets are registered by their path and never copied",
                     "The built-in world needs no registration: it is called builtin"],
                    [("o", "add a file or folder"), ("?", "keys")], id="empty")  # fmt: skip
        with Container(id="data-body"):
            yield LineTable(COLUMNS, id="files")
            with VerticalScroll(id="file", can_focus=False):
                yield Static("", id="file-about")

    def on_mount(self) -> None:
        """Nothing is read yet."""
        self.query_one("#data-body").display = False

    def fit(self, size: Size) -> None:
        """Below 100 columns the detail stands under the list."""
        self.query_one("#data-body").set_class(size.width < 100, "-stacked")

    @property
    def table(self) -> LineTable:
        """The files."""
        return self.query_one("#files", LineTable)

    def show_ages(self) -> None:
        """Write the rows and the detail again."""
        self.table.put_rows({row.id: _row(row) for row in self._files.values()})
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need a file, or the database, are not offered before there is one."""
        if action in ("add", "import_file"):
            return self.library.is_open
        if action == "derive":
            return (row := self._here()) is not None and row.kind == "rl-data"
        return bool(self._files) or action not in ("train", "evaluate", "copy")

    def offers(self, action: str) -> bool:
        """Training is for RL data and embeddings, evaluating for data sets; either form opens empty all the same."""
        row = self._here()
        kinds = {"train": ("rl-data", "embeddings"), "evaluate": ("dataset",)}.get(action)
        return kinds is None or (row is not None and row.kind in kinds)

    async def reload(self) -> None:
        """Read the registry."""
        files = await asyncio.to_thread(self.library.database.data_files)
        first = not self._files
        self._files = {row.id: row for row in files}
        self.refresh_bindings()
        self.query_one("#empty").display = not files
        self.query_one("#data-body").display = bool(files)
        self.table.put_rows({row.id: _row(row) for row in files}, fresh=True)
        self.table.set_keys(list(self._files))
        self.bar.status = plural(len(files), "file") if files else ""
        self._show()
        if first and files:
            self.table.focus()

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """The detail follows the cursor."""
        event.stop()
        self._show()

    def _here(self) -> DataRow | None:
        key = self.table.cursor_key
        return self._files.get(key) if key is not None else None

    def _show(self) -> None:
        row = self._here()
        if row is not None:
            self.query_one("#file-about", Static).update(Content.assemble(*_about(row)))
            self.table.choosable = row.kind == "rl-data"
            self.refresh_bindings()

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """RL data opens; what is known of the other kinds stands here whole."""
        event.stop()
        row = self._here()
        if row is not None:
            self.app.push_screen(RLDataScreen(self.library, row))

    @property
    def meant_path(self) -> str:
        """The file under the cursor."""
        return row.path if (row := self._here()) is not None else ""

    def action_derive(self, what: str) -> None:
        """Make a new file from these RL data."""
        self.call_later(self.app.run_action, f"app.derive('{what}')")

    def action_import_file(self) -> None:
        """Ask for a file of another program and take what it holds."""
        self.post_message(ImportFile())

    def action_add(self) -> None:
        """Register a file or folder."""
        self.post_message(AddData())

    def action_train(self) -> None:
        """Open the launch form for RCE on this file."""
        row = self._here()
        field = {"rl-data": "rl_data", "embeddings": "embeddings"}.get(row.kind) if row is not None else None
        self._launch("rce", field)

    def action_evaluate(self) -> None:
        """Open the launch form for an evaluation on this data set."""
        row = self._here()
        self._launch("eval", "dataset" if row is not None and row.kind == "dataset" else None)

    def _launch(self, kind: str, field: str | None) -> None:
        row = self._here()
        if row is not None and field:
            self.post_message(EditLaunch(kind, values={field: row.path}, sources={field: row.ref}))
        else:
            self.post_message(EditLaunch(kind))

    def action_copy(self) -> None:
        """Copy the path."""
        row = self._here()
        if row is not None:
            self.post_message(CopyText(row.path, shown("the path")))


def _row(row: DataRow) -> dict[str, Cell | str]:
    return {
        "name": clean(row.name),
        "kind": Cell(row.kind, "faint"),
        "size": Cell(size(row.size), "faint"),
        "age": Cell(age(row.created), "faint"),
        "state": Cell(shown(row.state), FILE_ROLES[row.state]),
    }


def _about(row: DataRow) -> list[Part]:
    parts: list[Part] = [(f"{row.ref} ", "bold $accent"), (clean(row.name), "bold"), (f"  {row.kind}", "$faint"), "\n"]
    parts += [
        clean(row.path),
        "\n",
        (shown(f"{size(row.size)}  sha256 {row.sha256[:12]}  added {age(row.created)}"), "$faint"),
        "\n",
    ]
    if row.missing or not Path(row.path).exists():
        since = shown(f"since {age(row.missing)}") if row.missing else "now"
        parts += [
            (shown(f"not found at this path {since}: put it back, or o adds it from its new place"), "$error"),
            "\n",
        ]
    elif row.state == "changed":
        parts += [(shown("its content is not what was registered: o adds it as it is now"), "$warning"), "\n"]
    parts.append("\n")
    queries = row.facts.get("queries")
    if row.kind == "rl-data" and isinstance(queries, int) and queries < FEW_QUERIES:
        parts += [
            (shown(f"{plural(queries, 'query', 'queries')}: too few to tell; enter shows intervals"), "$warning"),
            "\n",
        ]
    for name, value in row.facts.items():
        parts += [(f"{spaced(name)}  ", "$faint"), shorten(fact(value), 240), "\n"]
    if not row.facts:
        parts += [(shown("Nothing is known of its content yet: "), "$faint"), f"leverplus data health {row.ref}", "\n"]
    return parts
