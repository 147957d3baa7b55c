"""What is said of runs in single words: their states, and that a number is unknown; once for the store, the launcher and
every list. Nothing is imported here."""

from __future__ import annotations

ACTIVE = ("queued", "running")
"""A process works on it, or is about to."""
FAILED = ("failed", "lost")
"""It did not end well: its process said so, or was found dead."""
UNFINISHED = ("stopped", *FAILED)
"""It ended before its work was done, so that it can be resumed."""
ENDED = ("done", *UNFINISHED)
STATES = (*ACTIVE, *ENDED)
KINDS = ("eval", "rce", "grpo", "generate", "embed", "import", "ask")
"""Of runs; those of `db.specs.kinds`, which lists do without."""
UNKNOWN_SHOTS = -1
"""Where nobody says with how many demonstrations an answer was made. A number, because it is part of keys; never 0."""
