"""What the program remembers of the last time, what the user told it, and the page on which both are seen and changed."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from textual import work
from textual.timer import Timer

from leverplus_tui.text import language
from leverplus_tui.text.language import shown
from leverplus_tui.tui.graphics.way import drawing
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.drawing import DrawingApp
from leverplus_tui.tui.program.keymap import read_keymap
from leverplus_tui.tui.theme import THEMES

if TYPE_CHECKING:
    from leverplus_tui.tui.screens.settings import Setting

WRITE_S = 0.5
"""What is remembered is written this long after it changed."""


class RememberingApp(DrawingApp):
    """The part of the program that has a memory and settings."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._writing: Timer | None = None
        self.mouse_taken = True
        self.keys_told: dict[str, str] = {}
        self.key_problems: list[str] = []
        left = library.memory.now
        self._left = left.mode, left.run, left.tab
        """The view at the end of the last time; the pages overwrite it."""

    def recall(self) -> None:
        """Take colours and keys as they were told."""
        language.choose(language.asked(), self.library.memory.now.language)
        for theme in THEMES:
            self.register_theme(theme)
        wanted = os.environ.get("TEXTUAL_THEME", "")
        known = (name for name in (wanted, self.library.memory.now.theme) if name in self.available_themes)
        self.theme = next(known, "leverplus-dark")
        self.library.memory.changed = self._remember
        self.keys_told, self.key_problems = read_keymap(self.library.home.root)
        self.set_keymap(self.keys_told)
        self.settle_pictures()

    def _remember(self) -> None:
        """Write what changed a moment later: a terminal that is closed kills the program without a word."""
        if self._writing is None:
            self._writing = self.set_timer(WRITE_S, self._write_memory)

    @work(group="memory", exclusive=True, exit_on_error=False)
    async def _write_memory(self) -> None:
        self._writing = None
        if problem := await asyncio.to_thread(self.library.memory.write):
            self.notify(problem, severity="warning")

    def watch_theme(self, theme: str) -> None:
        """Chosen colours are kept."""
        if self.is_running and theme != self.library.memory.now.theme:
            self.library.memory.keep(theme=theme)

    @work(group="jobs", exclusive=True, exit_on_error=False)
    async def _count_jobs(self) -> None:
        """What runs and waits, in the line above every page."""
        counts = await asyncio.to_thread(self.library.database.counts)
        told = [
            shown(f"{counts[state]} {words}")
            for state, words in (("running", "running"), ("queued", "waiting"))
            if counts.get(state)
        ]
        self.library.jobs = ", ".join(told)
        self._tell_going_on()

    def action_mouse(self) -> None:
        """Leave the mouse to the terminal, so that text can be selected, or take it back."""
        driver = self._driver
        change = getattr(driver, "_disable_mouse_support" if self.mouse_taken else "_enable_mouse_support", None)
        if change is None:
            self.notify("This terminal has no mouse to leave", severity="warning")
            return
        change()
        self.mouse_taken = not self.mouse_taken
        self.notify(
            "The mouse is the program's again" if self.mouse_taken else "The mouse is the terminal's: % takes it back"
        )

    def action_language(self) -> None:
        """The other language, kept for the next time."""
        language.choose("zh" if language.language() == "en" else "en")
        self.library.memory.keep(language=language.language())
        self.screen.refresh(layout=True)

    def action_settings(self) -> None:
        """Show what can be set."""
        from leverplus_tui.tui.screens.settings import SettingsScreen  # rarely asked for

        self.push_screen(SettingsScreen(self._settings))

    def _settings(self) -> list[Setting]:
        from leverplus_tui.tui.screens.settings import glyph_words

        memory = self.library.memory
        keys = f"{len(self.keys_told)} changed" if self.keys_told else "as they come"
        return [
            ("colours", self.theme, "enter chooses", self.action_change_theme),
            ("mouse", "the program's" if self.mouse_taken else "the terminal's", "enter or %", self.action_mouse),
            ("signs", glyph_words(), "LEVERPLUS_ASCII=1 draws with ASCII alone", None),
            (
                "colour at all",
                "no" if self.no_color else "yes",
                "NO_COLOR=1 turns colours off, curves get numbers",
                None,
            ),
            (
                "pictures",
                f"{self.pictures}: {drawing().way}" if self.pictures == "auto" else self.pictures,
                "enter: auto, kitty, sixel, cells, off; auto is cells over SSH and in tmux; --pictures",
                self.action_pictures,
            ),
            ("motion", str(self.animation_level), "off over SSH; TEXTUAL_ANIMATIONS=none turns it off", None),
            (
                "language",
                language.language(),
                "enter changes it for the next page; --lang or LEVERPLUS_LANG",
                self.action_language,
            ),
            ("keys", keys, "keymap.toml in the home or in ~/.config/leverplus; ids: docs/keys.md", None),
            ("home", str(self.library.home.root), "--home or LEVERPLUS_HOME", None),
            ("remembered", str(memory.path.name), "enter forgets views, marks, pins and sizes", memory.forget),
        ]
