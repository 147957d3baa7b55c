"""The process of one device: begins its context, then imports what answers.

`python -m engine.vlm.spread FD DEVICE [whole]`: the number of a pipe that it has been given, the device that it will open, and
whether models will be loaded with transformers' classes.
"""

from __future__ import annotations

import sys

from engine.common.models.gpu import begin_context


def main() -> None:
    """Serves the pipe until whoever asks is gone."""
    pipe, device, *more = sys.argv[1:]
    begin_context(device)
    # seconds, in which the context is made
    from engine.vlm.spread.answering import serve

    serve(int(pipe), whole="whole" in more)


if __name__ == "__main__":
    main()
