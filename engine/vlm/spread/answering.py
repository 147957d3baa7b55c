"""What the process of one device does: loads the model there and answers what it is asked, until whoever asks is gone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from db.specs.base import UserError
from engine.common.images import ImageProblem
from engine.common.importing import hide_broken, no_collections
from engine.common.models.model_files import go_offline
from engine.vlm.local.choosing import open_local
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import Measured
from engine.vlm.spread.messages import Done, Embedded, Enough, Failed, Images, Open, Opened, Shard, Some, State, Texts

QUICK = ("transformers.models.auto.configuration_auto", "transformers.models.auto.tokenization_auto")
WHOLE = ("transformers.generation.utils", "transformers.modeling_utils")
"""What every model's class needs."""


class Device:
    """Takes messages one after the other; further shards and `Enough` are seen while a shard is under way."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe
        self._waiting: deque[Any] = deque()
        self._vlm: LocalVLM | None = None
        self._enough = False
        self._dropped = 0
        """Shards that were waiting when it was enough."""

    def serve(self) -> None:
        """Until the pipe is closed."""
        while True:
            message = self._waiting.popleft() if self._waiting else self._pipe.recv()
            try:
                for reply in self._replies(message):
                    self._pipe.send(reply)
            except (UserError, ImageProblem, RuntimeError) as error:
                self._pipe.send(
                    Failed(error if isinstance(error, UserError | ImageProblem) else RuntimeError(str(error)))
                )

    def _replies(self, message: Any) -> Iterator[Any]:
        if isinstance(message, Open):
            self._vlm = open_local(**message.options)
            yield opened(self._vlm)
            if isinstance(self._vlm, PackedVLM) and self._vlm.engine.ahead:
                self._vlm.engine.warm_up()  # while whoever asks makes its first prompts ready
            return
        assert self._vlm is not None, "a model is opened first"
        match message:
            case Shard():
                yield from self._answered(self._vlm, message)
            case Images():
                yield Embedded(self._vlm.embed_images(message.paths).numpy())
            case Texts():
                yield Embedded(self._vlm.embed_texts(message.texts).numpy())
            case Enough():
                pass  # the shard that it was meant for is done

    def _answered(self, vlm: LocalVLM, first: Shard) -> Iterator[Some | Done]:
        """Answers of a shard and of those that come meanwhile, which follow it without a pause."""
        shards = [first]
        left = [len(first.prompts)]

        def following() -> Sequence[Prompt] | None:
            self._look()
            if self._enough or not self._waiting or not isinstance(self._waiting[0], Shard):
                return None
            shards.append(self._waiting.popleft())
            left.append(len(shards[-1].prompts))
            return shards[-1].prompts

        if isinstance(vlm, PackedVLM):
            begin = iter([first.prompts])
            stream = vlm.answer_shards(lambda: next(begin, None) or following(), self._go_on)
        else:
            stream = ((0, answers) for answers in vlm.answer(first.prompts, self._go_on))
        done = 0
        for number, answers in stream:
            yield Some(answers, measures(vlm))
            left[number] -= len(answers)
            while done < len(left) and not left[done]:
                done += 1
                yield Done(state(vlm))
        for _ in range(len(shards) - done + self._dropped):
            yield Done(state(vlm))
        self._enough, self._dropped = False, 0

    def _look(self) -> None:
        """Takes what has come. At `Enough` shards that wait are dropped."""
        while self._pipe.poll():
            message = self._pipe.recv()
            if isinstance(message, Enough):
                self._enough = True
                self._dropped = len(self._waiting)
                self._waiting.clear()
            else:
                self._waiting.append(message)

    def _go_on(self) -> bool:
        self._look()
        return not self._enough


def opened(vlm: LocalVLM) -> Opened:
    """What a recipe may ask of a loaded model."""
    return Opened(
        vlm.sha, vlm.requests_sha, vlm.features_sha, vlm.decode_sha, vlm.at_once, tuple(vlm.findings()), state(vlm)
    )


def state(vlm: LocalVLM) -> State:
    """What may change while it answers."""
    return State(dict(vlm.facts()), measures(vlm))


def measures(vlm: LocalVLM) -> dict[str, float]:
    """Of a model that measures itself."""
    return dict(vlm.measures()) if isinstance(vlm, Measured) else {}


def serve(pipe: int, *, whole: bool) -> None:
    """Serves the pipe of this number. `whole`: whether models will be loaded with transformers' classes."""
    go_offline()
    hide_broken("torchvision")
    with no_collections():
        # seconds, which pass while whoever asks still imports
        for name in WHOLE if whole else QUICK:
            import_module(name)
    try:
        Device(Connection(pipe)).serve()
    except (EOFError, OSError):
        return  # whoever asks is gone
