"""What a server cannot do, asked once before a job: its models, and one short prompt with as many images as the run shows."""

from __future__ import annotations

import re
from typing import Any

from db.specs.base import Finding, UserError
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from engine.common.findings import error, warning
from engine.common.reasoning import MOST_TOKENS, apart, enough_tokens
from engine.doctor.preflight.machine import SERVER
from engine.doctor.preflight.table import Preflight, refusal

Answering = EvalSpec | GenerateSpec
SIZE = (640, 480)
"""Of the images that are shown, in pixels, as COCO's are, so that a context that is too short for the run's shows."""
PATIENCE_S = 60.0
"""Longest wait for a reply; a job waits longer."""
CODE = "server-limit"
_IMAGES = re.compile(
    r"at most (\d+) image|limit of (\d+) image|(?:image|multi-?modal|limit.mm)[^.]*limit", re.IGNORECASE
)
_CONTEXT = re.compile(
    r"context.{0,20}(?:length|window|size)|maximum.{0,20}(?:length|tokens)|max_model_len", re.IGNORECASE
)
_NO_IMAGES = re.compile(
    r"image_url|image input|multi-?modal|vision|content.{0,30}(?:type|string)|unknown part", re.IGNORECASE
)


def abilities(spec: Answering, result: Preflight) -> None:
    """Rows for what the server will refuse. It is asked only where nothing blocks the run already."""
    if not spec.vlm.startswith(SERVER):
        return
    if spec.decode.num_beams > 1:
        result.add("server", "no beams", f"num_beams={spec.decode.num_beams}", _beams(spec))
    if isinstance(spec, GenerateSpec) and (spec.info_beams or spec.reference_probabilities):
        result.add("server", "no probabilities", "of given answers", _no_probabilities(spec))
    if not result.blocked:
        _ask(spec, result)


def _beams(spec: Answering) -> Finding:
    text = f"{spec.vlm} decodes without beams, and the run asks for {spec.decode.num_beams}."
    return error(CODE, "decode.num_beams", text, "Give --set decode.num_beams=1, or evaluate a local model.")


def _no_probabilities(spec: GenerateSpec) -> Finding:
    field = "info_beams" if spec.info_beams else "reference_probabilities"
    text = f"{spec.vlm} states no probability of a given answer, which {field} asks for."
    return error(CODE, field, text, f"Leave {field} out, or give a local model (a directory or a hub id).")


def _ask(spec: Answering, result: Preflight) -> None:
    # 100 ms (httpx) that no local model needs
    from engine.serving.chat import ChatServer
    from engine.serving.client import NoAnswer

    shown = most_images(spec)
    try:
        server = ChatServer(spec.vlm, served_model=spec.served_model, decode=spec.decode, patience=PATIENCE_S)
    except UserError as failure:
        result.add("server", "refuses", spec.vlm, refusal(CODE, spec.vlm, failure))
        return
    messages = _messages(spec, shown)
    try:
        choice = server.complete(messages, attempts=1).choices[0]
    except NoAnswer as failure:  # it may pass, and the job is patient
        text = f"A short prompt was not answered: {failure}"
        result.add(
            "server", "busy", server.model, warning(CODE, spec.vlm, text, "See the server's log if it stays so.")
        )
        return
    except UserError as failure:
        result.add("server", "refuses", f"{shown} images a prompt", _refused(spec, shown, str(failure)))
        return
    findings = _reasoning(spec, server, messages, choice)
    result.add("server", server.model, f"{shown} {'image' if shown == 1 else 'images'} a prompt", *findings)


def most_images(spec: Answering) -> int:
    """Images of the longest prompt: the demonstrations and the question's own."""
    if isinstance(spec, GenerateSpec):
        return spec.shots + 1
    return 1 + (0 if spec.retriever == "zero-shot" else max(spec.shots))


def _messages(spec: Answering, images: int) -> list[dict[str, Any]]:
    text = spec.prompt.demonstration.replace("{question}", "What is this?").replace("{answer}", "a wall")
    asked = spec.prompt.query.replace("{question}", "What is this?")
    url = _drawn(spec.prompt.max_pixels)
    content: list[dict[str, Any]] = []
    for one in [text] * (images - 1) + [asked]:
        content += [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": one}]
    system = [{"role": "system", "content": spec.prompt.system}] if spec.prompt.system else []
    return [*system, {"role": "user", "content": content}]


def _drawn(max_pixels: int) -> str:
    """A grey picture of a usual size as a data URL; some kilobytes."""
    import base64
    import io

    from PIL import Image

    scale = min(1.0, (max_pixels / (SIZE[0] * SIZE[1])) ** 0.5)
    buffer = io.BytesIO()
    Image.new("RGB", (max(1, int(SIZE[0] * scale)), max(1, int(SIZE[1] * scale))), "grey").save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _refused(spec: Answering, images: int, said: str) -> Finding:
    """What the server's words mean, and the way on."""
    subject, text, fix = spec.vlm, "The server refuses a short prompt like those of the run", "Mend that first."
    if _CONTEXT.search(said):
        subject, text = "context", f"A prompt with {images - 1} demonstrations is too long for the server"
        fix = (
            "Ask for fewer shots or smaller images (--set prompt.max_pixels=200704), or start the server with a longer context "
            "(vLLM: --max-model-len)."
        )
    elif images > 1 and (limit := _IMAGES.search(said)):
        most = next((int(number) for number in limit.groups() if number), None)
        fewer = f"at most {most - 1} shots (--shot {most - 1})" if most else "fewer shots (--shot)"
        subject, text = "shots", f"The run shows {images} images in a prompt, and the server refuses"
        option = f"--limit-mm-per-prompt '{{\"image\": {images}}}'"
        fix = f"Ask for {fewer}, or start the server with room for {images} images (vLLM: {option})."
    elif _NO_IMAGES.search(said):
        subject, text = "images", "The server takes no images"
        fix = "Serve a vision-language model, or name another model of the server with --set served_model=ID."
    return error(CODE, subject, f"{text}: {said}", fix)


def _is_reasoning(choice: Any) -> bool:
    """Whether a reply holds reasoning and no answer."""
    answer, thought = apart(choice.text)
    return bool(choice.reasoning or thought) and not answer.strip()


def _reasoning(spec: Answering, server: Any, messages: list[dict[str, Any]], choice: Any) -> list[Finding]:
    """A reply that is reasoning alone, or was cut and may be, is asked once more with room to think: whether it is, and how
    many tokens would do. Where the server's template opens the reasoning, only its end is marked."""
    sure, needed = _is_reasoning(choice), None
    if not sure and (choice.finish_reason != "length" or choice.reasoning or apart(choice.text)[1]):
        return []
    try:
        whole = server.complete(messages, attempts=1, max_tokens=MOST_TOKENS)
        sure = sure or bool(apart(whole.choices[0].text)[1])
        needed = None if _is_reasoning(whole.choices[0]) else whole.tokens
    except UserError:  # it is said without a number
        pass
    if not sure:
        return []
    limit = spec.decode.max_new_tokens
    took = f"; with room for {MOST_TOKENS:,}, a whole answer took {needed}" if needed else ""
    text = (
        f"The model reasons before it answers, and decode.max_new_tokens={limit} leaves no room for the answer{took}."
    )
    return [error("reasoning-cut", "decode.max_new_tokens", text, f"{enough_tokens(needed).capitalize()}.")]
