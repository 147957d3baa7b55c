"""What a server cannot do is said before a job, with the way on: by a server on the loopback that refuses as real ones do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from db.specs import DecodeSpec, EvalSpec, GenerateSpec, PromptSpec
from db.specs.base import Finding
from engine.doctor.preflight import preflight
from engine.doctor.preflight.server import most_images
from tests.helpers_preflight import levels
from tests.helpers_server import ScriptedServer, failure, scripted_server

GREEDY = DecodeSpec(num_beams=1)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as told:
        yield told


def asked(server: ScriptedServer, **fields: Any) -> EvalSpec:
    return EvalSpec(**{"vlm": server.url, "retriever": "random", "shots": (1, 2), "decode": GREEDY, **fields})


def only(spec: EvalSpec | GenerateSpec) -> Finding:
    [finding] = preflight(spec).findings
    return finding


def reply(message: dict[str, Any], ended: str = "stop", tokens: int | None = None) -> tuple[int, dict[str, str], bytes]:
    usage = {} if tokens is None else {"usage": {"completion_tokens": tokens}}
    return 200, {}, json.dumps({"choices": [{"message": message, "finish_reason": ended}], **usage}).encode()


def test_an_able_server_is_asked_once_with_the_most_images_that_the_run_shows(server: ScriptedServer) -> None:
    result = preflight(asked(server, prompt=PromptSpec(max_pixels=200_704)))
    assert (result.findings, levels(result)) == ([], {"server": "ok"})
    [body] = server.bodies
    content = body["messages"][1]["content"]
    assert [part["type"] for part in content] == ["image_url", "text"] * 3
    assert content[-1]["text"] == "Question:What is this? Short answer:"
    assert (body["max_tokens"], body["temperature"]) == (5, 0.0)


@pytest.mark.parametrize("asked_for", [{"info_beams": 5}, {"reference_probabilities": True}])
def test_probabilities_of_given_answers_are_refused_without_asking(
    server: ScriptedServer, asked_for: dict[str, Any]
) -> None:
    found = only(GenerateSpec(vlm=server.url, retrieved=0, decode=GREEDY, **asked_for))
    assert (found.code, found.subject, server.paths) == ("server-limit", *asked_for, [])
    assert "give a local model" in found.fix


def test_images_of_a_prompt() -> None:
    assert most_images(EvalSpec(shots=(0, 4))) == 5
    assert most_images(EvalSpec(shots=(4,), retriever="zero-shot")) == 1
    assert most_images(GenerateSpec(shots=2)) == 3


def test_beams_are_refused_without_asking(server: ScriptedServer) -> None:
    found = only(asked(server, decode=DecodeSpec()))
    assert (found.code, found.severity, server.paths) == ("server-limit", "error", [])
    assert "--set decode.num_beams=1" in found.fix


@pytest.mark.parametrize(
    ("said", "subject", "fix"),
    [
        ("At most 1 image(s) may be provided in one prompt.", "shots", "at most 0 shots"),
        ("At most 2 image(s) may be provided. You can set `--limit-mm-per-prompt`", "shots", """'{"image": 3}'"""),
        ("Too many images: the limit is lower", "shots", "fewer shots"),
        ("This model's maximum context length is 512 tokens. You requested 1200", "context", "--max-model-len"),
        (
            "The prompt is longer than the maximum model length of 512; for image inputs see ...",
            "context",
            "max_pixels",
        ),
        ("image_url is not supported by this model", "images", "vision-language model"),
        ("tiny-vl is not a multimodal model", "images", "served_model"),
        ("no such thing", "http", "Mend"),
    ],
)
def test_a_refusal_names_the_way_on(server: ScriptedServer, said: str, subject: str, fix: str) -> None:
    server.scripted = [failure(400, said)]
    found = only(asked(server))
    assert (found.code, found.severity) == ("server-limit", "error")
    assert found.subject.startswith(subject)
    assert said in found.message
    assert fix in found.fix


def test_a_server_that_wants_the_newer_name_of_the_token_limit_is_able(server: ScriptedServer) -> None:
    server.scripted = [failure(400, "Use 'max_completion_tokens' instead of 'max_tokens'.")]
    assert preflight(asked(server)).findings == []
    assert "max_completion_tokens" in server.bodies[1]


def test_a_server_that_is_not_there_or_serves_other_models_blocks(server: ScriptedServer) -> None:
    away = only(asked(server, vlm="http://127.0.0.1:9/v1"))
    assert (away.code, away.severity) == ("server-limit", "error")
    assert "Is the server running" in away.message + away.fix
    assert "tiny-vl" in only(asked(server, served_model="other")).fix


def test_a_busy_server_is_a_warning_because_the_job_is_patient(server: ScriptedServer) -> None:
    server.scripted = [failure(503, "loading")]
    found = only(asked(server))
    assert (found.severity, "loading" in found.message) == ("warning", True)


@pytest.mark.parametrize(
    "cut",
    [
        {"content": None, "reasoning_content": "It is"},
        {"content": "<think>It is"},
        {"content": "", "reasoning": "It"},
        {"content": "It is"},
    ],
)
def test_reasoning_that_leaves_no_room_for_an_answer_blocks_and_says_how_many_tokens_would_do(
    server: ScriptedServer, cut: dict[str, Any]
) -> None:
    opened = "" if cut["content"] == "It is" else "<think>"  # the server's template may have opened it
    server.scripted = [reply(cut, "length"), reply({"content": f"{opened}It is</think>a wall"}, tokens=300)]
    found = only(asked(server))
    assert (found.code, found.severity) == ("reasoning-cut", "error")
    assert "took 300" in found.message
    assert "--set decode.max_new_tokens=512" in found.fix


def test_reasoning_with_an_answer_behind_it_is_fine(server: ScriptedServer) -> None:
    server.scripted = [reply({"content": "<think>It is</think>a wall"})]
    assert preflight(asked(server)).findings == []


@pytest.mark.parametrize("whole", ["It is a wall of stone.", None])
def test_an_answer_that_is_cut_is_no_reasoning(server: ScriptedServer, whole: str | None) -> None:
    again = failure(400, "context too long") if whole is None else reply({"content": whole})
    server.scripted = [reply({"content": "It is a"}, "length"), again]
    assert preflight(asked(server)).findings == []
    assert len(server.bodies) == 2


def test_a_run_that_is_blocked_already_asks_nobody(server: ScriptedServer) -> None:
    preflight(asked(server, retriever="t2t"))
    assert server.paths == []
