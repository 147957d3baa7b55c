"""What goes where, in words, before it goes there."""

from __future__ import annotations

from engine.common.where import SLURM, is_sent
from leverplus_tui.queue.submit import Wish
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.times import duration


def goes(wish: Wish, kind: str, runs: int = 1) -> str:
    """What goes where, in words; empty where all is done here."""
    place, _, which = wish.runner.partition(":")
    if not place:
        return ""
    gpus, cpus, memory_mb = wish.resources.get("gpus"), wish.resources.get("cpus"), wish.memory_mb
    about = (
        plural(gpus, "GPU") if gpus else "",
        plural(cpus, "CPU") if cpus else "",
        f"{memory_mb / 1024:g} GB" if memory_mb else "",
        f"{duration(wish.time_limit_s)} at most" if wish.time_limit_s else "",
    )
    takes = "".join(f", {words}" for words in about if words)
    if place == SLURM:
        many = f"an array of {runs} jobs" if runs > 1 else "one job"
        return f"on Slurm, {f'partition {which}' if which else 'its usual partition'}: {many}{takes}; this machine stores the rows"
    if not is_sent(wish.runner, kind, member=runs > 1):
        return f"here, with prompts answered on the nodes of the Ray cluster{f' at {which}' if which else ''}{takes}"
    return f"on the Ray cluster{f' at {which}' if which else ''}: {plural(runs, 'task')}{takes}; this machine stores the rows"
