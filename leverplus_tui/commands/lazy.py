"""A command tree whose leaves are imported when they are used: `leverplus --help` costs an import of Typer, no more."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from leverplus_tui.text.output import say


@dataclass(frozen=True)
class Leaf:
    """A command: `module:function`, with the module relative to `leverplus_tui.commands`."""

    target: str
    help: str
    section: str = "Commands"


@dataclass(frozen=True)
class Branch:
    """A command with commands below it."""

    help: str
    example: str
    children: Mapping[str, Leaf]
    section: str = "Commands"
    default: str = ""
    """The command below it that is meant where none is named."""


Tree = Mapping[str, Leaf | Branch]
LONG_WORD = re.compile(r"\S{401,}")
"""Longer than any sensible path; part of an argument that was given, or of what a file holds."""
MOST = 2000


class LazyGroup(TyperGroup):
    """A group whose commands come from a table; a command's module is imported when the command is called."""

    tree: ClassVar[Tree] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, node in self.tree.items():
            self.commands[name] = _branch(name, node) if isinstance(node, Branch) else _stub(name, node)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the module of the command that is asked for, then go on as always."""
        node = self.tree.get(args[0]) if args else None
        if isinstance(node, Leaf):
            self.commands[args[0]] = load(args[0], node)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands under their sections, in the order of the table."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, node in self.tree.items():
            sections.setdefault(node.section, []).append((name, node.help))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows, col_max=12)


class RootGroup(LazyGroup):
    """The whole program: turns every failure into one line on standard error and an exit code."""

    def without_options(self, words: Sequence[str]) -> Callable[[], object] | None:  # for programs below
        """What these words call without options to be read; None where Typer has to read them."""
        return None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; errors with an `exit_code` are the user's and get one line, others a traceback."""
        try:
            if (plain := self.without_options(sys.argv[1:] if args is None else args)) is not None:
                code = plain()
            else:
                code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except (typer.Abort, KeyboardInterrupt):
            typer.echo("leverplus: interrupted", err=True)
            code = 130
        except (OSError, UnicodeEncodeError) as error:
            say(f"leverplus: {_about_a_file(error)}")
            code = 2
        except Exception as error:
            if not isinstance(getattr(error, "exit_code", None), int):
                raise
            say(describe(error))
            code = error.exit_code  # type: ignore[attr-defined]  # tested in the line above
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)


def describe(error: Exception) -> str:
    """One line for a failure that the user can mend; the help text where a command was missing."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error)
    text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
    text = shortened(text)
    hint = f" (see {context.command_path} --help)" if context is not None else ""
    return f"leverplus: {' '.join(text.replace('Value error, ', '').split())}{hint}"


def _about_a_file(error: OSError | UnicodeEncodeError) -> str:
    """A file that cannot be read or written, or a name that is no text, wherever that was noticed."""
    if isinstance(error, OSError):
        place = shortened(f"{error.filename}: ") if error.filename is not None else ""
        return f"{place}{error.strerror or error}; check the path and repeat the command"
    text = shortened(str(error.object))
    return f"'{text}' is not text in UTF-8; give another name, or rename the file"


def shortened(text: str) -> str:
    """A refusal with what it quotes cut: words to 200 characters, the whole to two thousand."""
    cut = LONG_WORD.sub(lambda found: f"{found[0][:200]}...", text)
    return cut if len(cut) <= MOST else f"{cut[: MOST - 300]} ... {cut[-300:]}"


def printed(example: str) -> str:
    """Example lines as the end of a help text, not re-wrapped (the backspace says so)."""
    lines = "\n".join(f"  {line.strip()}" for line in example.splitlines() if line.strip())
    return f"\b\nExample:\n{lines}"


def load(name: str, leaf: Leaf) -> TyperCommand:
    """Import a leaf and make its command; what stands below `Example:` in the docstring is printed as it is."""
    module, _, attribute = leaf.target.partition(":")
    function: Callable[..., None] = getattr(importlib.import_module(f"leverplus_tui.commands.{module}"), attribute)
    text, _, example = (function.__doc__ or leaf.help).partition("Example:\n")
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command(name, help=text.strip(), epilog=printed(example))(function)
    command = typer.main.get_command(single)
    assert isinstance(command, TyperCommand), f"{leaf.target} is not a plain command"
    return command


def _stub(name: str, leaf: Leaf) -> TyperCommand:
    return TyperCommand(name, help=leaf.help, rich_markup_mode=None)


def _branch(name: str, branch: Branch) -> LazyGroup:
    class Below(LazyGroup):
        tree = branch.children

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Where no command is named, the usual one is meant."""
            named = args and (args[0] in branch.children or args[0] == "--help" or not args[0].startswith("-"))
            return super().parse_args(ctx, args if named or not branch.default else [branch.default, *args])

    return Below(
        name=name,
        help=branch.help,
        epilog=printed(branch.example),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
