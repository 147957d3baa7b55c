"""`leverplus run ...`: build a specification, check it, launch the job, watch it, print what came out."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from db.home import Home, resolve_home
from leverplus_tui.commands.options import DetachOption, ForceOption, HomeOption, JsonOption
from leverplus_tui.commands.queueing import QUEUE, wished
from leverplus_tui.jobs import preflight
from leverplus_tui.jobs.estimate import estimated
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.spec_building import build_spec
from leverplus_tui.jobs.spec_options import SpecOption, options
from leverplus_tui.queue.following import Following
from leverplus_tui.text.output import put, put_json, ring, say

if TYPE_CHECKING:
    from leverplus_tui.queue.submit import Wish

COMMON = {
    "spec_file": Annotated[
        Path | None,
        typer.Option("--spec", metavar="FILE", help="Read fields from this TOML or YAML file; options override it."),
    ],
    "preset": Annotated[
        str | None,
        typer.Option("--preset", metavar="published", help="Start from the defaults of the published scripts."),
    ],
    "assignments": Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Set any field, such as decode.num_beams=1; overrides options and file.",
        ),
    ],
    "name": Annotated[str | None, typer.Option("--name", help="Name of the run.")],
    "detach": DetachOption,
    **QUEUE,
    "then": Annotated[
        list[str] | None,
        typer.Option(
            "--then",
            metavar="KIND",
            help="When it is done, run this on what it wrote, such as eval, or 'eval --shot 2'. May be repeated.",
        ),
    ],
    "force": ForceOption,
    "as_json": JsonOption,
    "home": HomeOption,
}
WAITS = ("queue", "after", "priority", "retries")
"""Options that ask a run to wait; with others it may be watched from its beginning where it goes elsewhere."""
SWITCHES = ("detach", "queue", "force", "as_json")


def _command(kind: str, text: str) -> Callable[..., None]:
    """A Typer command whose options are the fields of a specification."""
    shown = options(kind)

    def command(**given: Any) -> None:
        common = {name: given.pop(name) for name in COMMON}
        run_job(kind, given, **common)

    parameters = [parameter(option) for option in shown]
    parameters += [
        inspect.Parameter(name, _KEYWORD, default=False if name in SWITCHES else None, annotation=annotation)
        for name, annotation in COMMON.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    command.__doc__ = text
    return command


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def parameter(option: SpecOption) -> inspect.Parameter:
    """A field of a specification as a parameter of a command."""
    return inspect.Parameter(option.field, _KEYWORD, default=None, annotation=_annotation(option))


def _annotation(option: SpecOption) -> Any:
    """Values stay text here: the specification judges them, so that every way to give one has the same errors."""
    text = f"{option.help} [{option.default}]" if option.default and option.kind != "flag" else option.help
    if option.kind == "flag":
        text += " [yes]" if option.default == "true" else ""
        return Annotated[bool | None, typer.Option(f"{option.flag}/--no-{option.flag[2:]}", help=text)]
    if option.kind == "list":
        return Annotated[
            list[str] | None, typer.Option(option.flag, metavar=option.metavar, help=f"{text} May be repeated.")
        ]
    choices = list(option.choices)
    complete = (lambda: choices) if choices else None
    return Annotated[str | None, typer.Option(option.flag, metavar=option.metavar, help=text, autocompletion=complete)]


COMMANDS: dict[str, tuple[str, str]] = {
    "evaluate": (
        "eval",
        """Measure few-shot accuracy of a vision-language model.

    Without options it asks the built-in model about the built-in data, with two demonstrations for each question.

    Example:
    leverplus run eval --shot 2
    leverplus run eval --dataset ./okvqa --vlm Qwen/Qwen2.5-VL-3B-Instruct --shot 0 --shot 2 --shot 4 --limit 800
    leverplus run eval --retriever random --name baseline --set decode.num_beams=1
    """,
    ),
    "rce": (
        "rce",
        """Train a pointer selector by RCE: it imitates candidates, weighted by their reward.

    Example:
    leverplus run rce --data rl_data.json --embeddings queries.safetensors --rce-epochs 5
    """,
    ),
    "grpo": (
        "grpo",
        """Train a pointer selector by GRPO; with --rce-epochs, RCE comes first.

    Example:
    leverplus run grpo --data rl_data.json --embeddings queries.safetensors --init epoch5.safetensors
    leverplus run grpo --data rl_data.json --embeddings queries.safetensors --rce-epochs 5 --grpo-epochs 10
    """,
    ),
    "generate": (
        "generate",
        """Make RL data: propose demonstrations for train questions, let the model answer, score the answers.

    Example:
    leverplus run generate --dataset ./okvqa --vlm Qwen/Qwen2.5-VL-3B-Instruct --queries 800
    """,
    ),
    "embed": (
        "embed",
        """Embed the queries and candidates of a data set; each image is encoded once.

    Example:
    leverplus run embed --dataset ./okvqa --encoder openai/clip-vit-large-patch14
    """,
    ),
}
"""Function of this module -> kind of job and what its help says."""


def __getattr__(name: str) -> Callable[..., None]:
    """The command of this name, made when it is asked for: the options of all five take as long as a check."""
    if name not in COMMANDS:
        raise AttributeError(name)
    return _command(*COMMANDS[name])


def run_job(
    kind: str,
    flags: dict[str, Any],
    *,
    spec_file: Path | None = None,
    preset: str | None = None,
    assignments: list[str] | None = None,
    name: str | None = None,
    detach: bool = False,
    then: list[str] | None = None,
    force: bool = False,
    as_json: bool = False,
    home: Path | None = None,
    **queueing: Any,
) -> None:
    """One job from its options to its result; leaves by `typer.Exit` with the code of the contract."""
    place = resolve_home(home)
    asked = build_spec(kind, flags, spec_file, assignments or (), preset=preset)
    following = [Following.read(words, kind) for words in then or ()]
    wish = wished(place, queueing)
    begun = Begun(name=name or "", force=force, as_json=as_json, following=following)
    away = bool(queueing.get("on")) and not any(queueing.get(name) for name in WAITS)
    watched = not detach and (wish is None or away)
    if wish is not None:
        queue(place, asked, wish, begun, follows=watched)
    else:
        begin(place, resolved(asked, place), begun, follows=not detach)


@dataclass(frozen=True)
class Begun:
    """How a run is begun."""

    name: str = ""
    force: bool = False
    as_json: bool = False
    parent: int | None = None
    following: Sequence[Following] = ()
    """What is queued behind it, before it is watched."""

    def queue_following(self, place: Home, run_id: int) -> None:
        for one in self.following:
            say(f"r{one.queue(place, run_id, self.force)} ({one.kind}) waits for r{run_id}")


def begin(place: Home, spec: Any, begun: Begun, *, follows: bool) -> int:
    """Preflight, launch and, where it `follows`, watch; shared by `run` and `rerun`. Returns the run's number."""
    checked = checked_or_exit(place, spec, begun)
    if not begun.as_json and (line := estimated(spec, place)):
        say(line)
    # The database takes a third of a second to import, which help and blocked runs need not wait.
    from leverplus_tui.jobs import launcher

    run_id = launcher.launch(
        place, spec, name=begun.name, forced=checked.blocked, parent=begun.parent, findings=checked.stored()
    )
    begun.queue_following(place, run_id)
    if follows:
        attend(place, run_id, as_json=begun.as_json)
        return run_id
    if begun.as_json:
        put_json(_document(f"r{run_id}", "queued", spec, checked))
    else:
        put(f"r{run_id}")
        say(f"started; see `leverplus logs r{run_id} -f`, `leverplus tui --run r{run_id}`, `leverplus stop r{run_id}`")
    return run_id


def checked_or_exit(place: Home, spec: Any, begun: Begun, on: str = "") -> preflight.Checked:
    """What preflight found; leaves with code 3 where that blocks the run."""
    checked = preflight.check(spec, place, quiet=begun.as_json, on=on)
    if checked.blocked and not begun.force:
        if begun.as_json:
            put_json(_document(None, "blocked", spec, checked))
        say("leverplus: blocked before anything was loaded; mend what is named above, or go on with --force")
        raise typer.Exit(3)
    return checked


def queue(place: Home, asked: Any, wish: Wish, begun: Begun, *, follows: bool = False) -> int:
    """Check a run and put it into the queue; what names the output of an unfinished run is checked when that is done. Returns
    its number."""
    # as in `begin`
    from leverplus_tui.queue.elsewhere import goes
    from leverplus_tui.queue.submit import Entry, submit

    waits: set[int] = set()
    spec = resolved(asked, place, waits)
    checked = preflight.Checked(()) if waits else checked_or_exit(place, spec, begun, wish.runner)
    if line := goes(wish, spec.kind):
        say(line)
    entry = Entry(
        spec, begun.name, checked.stored(), begun.force if waits else checked.blocked, begun.parent, frozenset(waits)
    )
    (run_id,) = submit(place, [entry], wish)
    begun.queue_following(place, run_id)
    if follows:
        attend(place, run_id, as_json=begun.as_json)
    elif begun.as_json:
        put_json(_document(f"r{run_id}", "queued", spec, checked))
    else:
        put(f"r{run_id}")
        say("queued; `leverplus queue` shows what it waits for, and it starts whether or not this terminal stays")
    return run_id


def _document(run: str | None, status: str, spec: Any, checked: preflight.Checked) -> dict[str, Any]:
    """What `--json` says of a run that has no result yet."""
    return {"run": run, "status": status, "kind": spec.kind, "matrix": [], "findings": checked.as_json()}


def attend(place: Home, run_id: int, *, as_json: bool) -> None:
    """Watch a run to its end and print its result; Ctrl-C stops it (130), a second one kills it. Before it is watched and
    after it has ended, Ctrl-C leaves it alone and says so."""
    from leverplus_tui.jobs import launcher  # as in `begin`

    try:
        code = _attended(place, run_id, as_json)
    except KeyboardInterrupt:
        say(launcher.goes_on(run_id))
        raise typer.Exit(130) from None
    if code:
        raise typer.Exit(code)


def _attended(place: Home, run_id: int, as_json: bool) -> int:
    # The database and all that reads it, as in `begin`.
    from db.session import open_database
    from leverplus_tui.jobs import launcher

    # the database, 340 ms that a blocked run does not need
    from leverplus_tui.jobs.follow import follow
    from leverplus_tui.queue.submit import tend
    from leverplus_tui.results.run_result import print_result

    database = open_database(place.database)
    try:
        quiet = as_json and not sys.stderr.isatty()
        follow(database, run_id, quiet=quiet, tend=lambda file: tend(place, file))
    except KeyboardInterrupt:
        say(f"\nstopping r{run_id}; what is done stays stored (Ctrl-C again kills it)")
        launcher.stop(place, run_id)
        say(f"leverplus: r{run_id} is stopped; `leverplus resume r{run_id}` goes on")
        raise typer.Exit(130) from None
    ring(f"r{run_id} has ended")
    return print_result(database, place, run_id, as_json=as_json)
