"""Models behind a real HTTP server on the loopback, which also fails in the ways that servers do."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db.specs import DecodeSpec, PromptSpec, UserError
from engine.common.reasoning import MOST_TOKENS
from engine.recipes.run_context import Stop
from engine.vlm.opening import open_vlm
from engine.vlm.probes import difference
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import Answer, answers_in_order
from engine.vlm.served import ServedVLM, data_url
from tests.helpers_server import ScriptedServer, failure, holding_server, scripted_server
from tests.helpers_vlm import Sample, make_samples

GREEDY = DecodeSpec(num_beams=1)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as told:
        yield told


@pytest.fixture
def waited() -> list[float]:
    """Seconds that would have been waited."""
    return []


@pytest.fixture
def ask(server: ScriptedServer, waited: list[float]) -> Callable[..., ServedVLM]:
    def opened(**more: Any) -> ServedVLM:
        return ServedVLM(server.url, **{"decode": GREEDY, "pause": waited.append, **more})

    return opened


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return make_samples(tmp_path)


@pytest.fixture
def prompts(samples: list[Sample]) -> list[Prompt]:
    return [build(PromptSpec(), samples[:n], samples[n]) for n in range(4)]


def test_answers_come_in_order_from_several_requests_at_once(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    server.meet = threading.Barrier(4)
    assert answers_in_order(ask(concurrency=4), prompts) == [Answer(f"re {prompt.texts[-1]}") for prompt in prompts]


def test_an_answer_is_handed_over_before_another_request_is_sent(prompts: list[Prompt]) -> None:
    with holding_server(free=1) as server:
        answers = ServedVLM(server.url, decode=GREEDY, concurrency=2).answer(prompts)
        first = next(answers)
        server.wait_for(2)
        assert (len(first), len(server.asked)) == (1, 2)
        server.release.set()
        rest = [place for known in answers for place in known]
        assert sorted([*first, *rest]) == [0, 1, 2, 3]


def test_when_asked_to_stop_only_what_is_in_flight_is_handed_over(prompts: list[Prompt]) -> None:
    with holding_server(free=1) as server:
        stop = Stop()
        answers = ServedVLM(server.url, decode=GREEDY, concurrency=2).answer(prompts, stop.go_on)
        known = next(answers)
        stop.asked = True
        server.release.set()
        for some in answers:
            known |= some
        assert sorted(known) == [0, 1]
        assert len(server.asked) == 2


def test_what_was_in_flight_is_handed_over_before_a_refusal_is_raised(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    server.scripted = [failure(400, "no")]
    server.meet = threading.Barrier(2)
    answers = ask(concurrency=2).answer(prompts[:2])
    known: list[dict[int, Answer]] = []
    with pytest.raises(UserError, match="400 Bad Request: no"):
        known.extend(answers)
    assert sum(map(len, known)) == 1


def test_the_request_has_openai_form_and_states_all_decoding(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    answers_in_order(ask(), [prompts[1]])
    body = server.bodies[0]
    messages = body.pop("messages")
    assert body == {
        "model": "tiny-vl", "max_tokens": 5, "temperature": 0.0, "top_p": 1.0, "n": 1, "stream": False,
        "top_k": -1, "repetition_penalty": 1.0, "min_tokens": 0,
    }  # fmt: skip
    assert messages[0] == {"role": "system", "content": prompts[1].system}
    kinds = [part["type"] for part in messages[1]["content"]]
    assert kinds == ["image_url", "text", "image_url", "text"]
    url = messages[1]["content"][0]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,")) == prompts[1].images[0].read_bytes()


@pytest.mark.parametrize(
    ("content", "missing"),
    [(b'{"object": "list"}', "`choices`"), (b'{"choices": []}', "length >= 1"), (b'{"choices": [{}]}', "`message`")],
)
def test_what_is_no_answer_is_said_so(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt], content: bytes, missing: str
) -> None:
    server.scripted = [(200, {}, content)]
    with pytest.raises(UserError, match=f"did not answer as .*{missing}.*model tiny-vl|tiny-vl.*{missing}"):
        answers_in_order(ask(concurrency=1), prompts[:1])


def test_the_servers_finish_reason_tells_what_was_cut(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    parts = [{"type": "text", "text": "a cat"}, {"type": "text", "text": " on"}]
    contents: list[Any] = ["a cat on", parts]
    for content in contents:
        choice = {"message": {"content": content}, "finish_reason": "length"}
        server.scripted.append((200, {}, json.dumps({"choices": [choice]}).encode()))
    server.scripted.insert(1, (200, {}, json.dumps({"choices": [{"message": {"content": "a cat on a mat"}}]}).encode()))
    answers = answers_in_order(ask(concurrency=1), prompts[:2])
    assert answers == [Answer("a cat on", cut=True), Answer("a cat on", cut=True)]
    assert [body["max_tokens"] for body in server.bodies] == [5, MOST_TOKENS, 5], "whether it reasons is asked once"


def test_reasoning_that_the_servers_template_opens_is_no_answer_where_it_is_cut(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    told = [
        ("It is round, so", "length"),
        ("It is round, so</think>circle", "stop"),
        ("It has", "length"),
        ("It</think>red", "stop"),
    ]
    for content, ended in told:
        choice = {"message": {"content": content}, "finish_reason": ended}
        server.scripted.append((200, {}, json.dumps({"choices": [choice]}).encode()))
    first, second, third = answers_in_order(ask(concurrency=1), prompts[:3])
    assert [(one.raw, one.silent, one.reasoning) for one in (first, second)] == [
        ("", True, "It is round, so"), ("", True, "It has"),
    ]  # fmt: skip
    assert (third.raw, third.silent, third.reasoning) == ("red", False, "It")


@pytest.mark.parametrize(
    ("message", "ended", "said"),
    [
        ({"content": None}, "length", "raise decode.max_new_tokens"),
        ({"content": ""}, "stop", "empty answer"),
        ({"content": " \n"}, "stop", "empty answer"),
        ({"content": []}, "stop", "empty answer"),
        ({"content": None, "reasoning_content": "It is round"}, "length", "reasoning and no answer"),
        ({"content": "I cannot", "refusal": "I will not say"}, "stop", "refused to answer"),
        ({"content": "a c"}, "abort", "broke the answer off"),
        ({"content": "a c"}, "content_filter", "broke the answer off"),
    ],
)
def test_a_reply_that_is_no_final_answer_says_why(
    server: ScriptedServer,
    ask: Callable[..., ServedVLM],
    prompts: list[Prompt],
    message: dict[str, Any],
    ended: str,
    said: str,
) -> None:
    choice = {"message": message, "finish_reason": ended}
    server.scripted.append((200, {}, json.dumps({"choices": [choice]}).encode()))
    [answer] = answers_in_order(ask(concurrency=1), prompts[:1])
    assert (answer.raw, answer.silent) == ("", True)
    assert said in answer.error


def test_a_fingerprint_is_what_the_server_says_of_itself_and_two_answers_to_each_fixed_prompt(
    server: ScriptedServer, ask: Callable[..., ServedVLM]
) -> None:
    server.models["data"][0] |= {"root": "org/tiny", "max_model_len": 4096, "created": 1}
    found = ask().fingerprint()
    assert found["root"], found["max_model_len"] == ("org/tiny", 4096)
    assert all(first == second and first.startswith("re ") for first, second in found["probes"].values())
    assert len(server.probes) == 6
    assert not difference(found, ask().fingerprint())
    assert "max_model_len was 4096" in difference(found, {**found, "max_model_len": 8192})


@pytest.mark.parametrize(
    ("before", "now", "differs"),
    [
        (["red", "red"], ["blue", "blue"], True),
        (["red", "red"], ["red", "blue"], True),
        (["red", "red"], [None, None], False),
        (["red", "blue"], ["green", "green"], False),
        ([None, None], ["green", "green"], False),
    ],
)
def test_only_probes_that_were_answered_alike_at_the_start_count(
    before: list[str | None], now: list[str | None], differs: bool
) -> None:
    assert bool(difference({"probes": {"image": before}}, {"probes": {"image": now}})) is differs


def test_the_key_is_sent_and_nowhere_shown_but_for_its_source(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    vlm = ask()
    answers_in_order(vlm, prompts[:1])
    assert vlm.facts()["vlm_key_source"] == "none"
    monkeypatch.setenv("LEVERPLUS_API_KEY", "sk-secret")
    vlm = ask()
    answers_in_order(vlm, prompts[:1])
    assert server.keys == [None, None, "Bearer sk-secret", "Bearer sk-secret"]
    assert vlm.facts()["vlm_key_source"] == "LEVERPLUS_API_KEY"
    assert "sk-" not in json.dumps(dict(vlm.facts()))
    server.scripted = [failure(401, "wrong key")]
    with pytest.raises(UserError, match="refused the key of LEVERPLUS_API_KEY") as caught:
        answers_in_order(vlm, prompts[:1])
    assert "sk-" not in str(caught.value)


def test_a_bad_image_never_reaches_the_server(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt], samples: list[Sample], tmp_path: Path
) -> None:
    half = tmp_path / "half.png"
    half.write_bytes(samples[3].image.read_bytes()[:200])
    bad = [build(PromptSpec(), [], Sample(1, "?", "x", path)) for path in (half, tmp_path / "none.jpg")]
    answers = answers_in_order(ask(), [bad[0], prompts[0], bad[1]])
    assert [bool(answer.error) for answer in answers] == [True, False, True]
    assert "none.jpg" in answers[2].error
    assert len(server.bodies) == 1


def test_beams_are_refused_by_the_name_of_the_flag(ask: Callable[..., ServedVLM]) -> None:
    with pytest.raises(UserError, match=r"--set decode\.num_beams=1"):
        ask(decode=DecodeSpec())


@pytest.mark.parametrize(
    ("decode", "flag"),
    [
        (DecodeSpec(num_beams=1, repetition_penalty=1.1), "decode.repetition_penalty=1"),
        (DecodeSpec(num_beams=1, min_new_tokens=2), "decode.min_new_tokens=0"),
        (DecodeSpec(num_beams=1, do_sample=True, top_k=5), "decode.top_k=0"),
    ],
)
def test_what_only_some_servers_take_is_refused_by_the_others(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt], decode: DecodeSpec, flag: str
) -> None:
    ask(decode=decode)
    server.models["data"][0]["owned_by"] = "somebody"
    with pytest.raises(UserError, match=flag):
        ask(decode=decode)
    plain = ask()
    answers_in_order(plain, prompts[:1])
    assert "top_k" not in server.bodies[0]
    assert "repetition_penalty" in plain.facts()["vlm_decoding_left_to_server"]


def test_the_served_model_is_looked_up(server: ScriptedServer, ask: Callable[..., ServedVLM]) -> None:
    assert ask().facts()["vlm_served_model"] == "tiny-vl"
    server.models["data"].append({"id": "other"})
    assert ask(served_model="other").facts()["vlm_served_model"] == "other"
    with pytest.raises(UserError, match=r"--set served_model=ID\): other, tiny-vl"):
        ask()
    with pytest.raises(UserError, match=r"does not serve third; it serves: other, tiny-vl"):
        ask(served_model="third")


@pytest.mark.parametrize("models", [{"data": []}, {"object": "list"}])
def test_a_server_without_models(server: ScriptedServer, ask: Callable[..., ServedVLM], models: Any) -> None:
    server.models = models
    with pytest.raises(UserError, match="lists no model"):
        ask()


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # a proxy is not asked for loopback addresses
    with pytest.raises(UserError, match=r"127\.0\.0\.1:1/v1.*refused.*Is the server running"):
        open_vlm("http://127.0.0.1:1/v1", decode=GREEDY)


def test_identity_is_url_and_model_and_said_to_be_unverified(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    first = ask()
    server.models["data"][0]["id"] = "other"
    assert first.sha != ask().sha
    assert "not checked" in first.facts()["vlm_unverified"]
    assert first.request_sha(prompts[0]) != first.request_sha(prompts[1])
    with pytest.raises(UserError, match="--set encoder="):
        first.embed_images([])


def test_images_are_sent_as_they_are_or_fitted(tmp_path: Path) -> None:
    picture = Image.linear_gradient("L").convert("RGB")  # 256x256
    upright, turned = tmp_path / "upright.jpg", tmp_path / "turned.jpg"
    picture.save(upright)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.resize((60, 40)).save(turned, exif=exif)
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.save(tmp_path / "other.webp")
    assert data_url(upright, 1, 1 << 20) == "data:image/jpeg;base64," + base64.b64encode(upright.read_bytes()).decode()
    assert sent(upright, 1, 10_000).size == (100, 100)
    assert sent(upright, 512 * 512, 1 << 20).size == (512, 512)
    assert sent(turned, 1, 1 << 20).size == (40, 60)
    assert sent(tmp_path / "cmyk.jpg", 1, 1 << 20).mode == "RGB"
    assert sent(tmp_path / "other.webp", 1, 1 << 20).size == (256, 256)


def sent(path: Path, min_pixels: int, max_pixels: int) -> Image.Image:
    """The picture that a server gets, which must be a PNG of our making."""
    url = data_url(path, min_pixels, max_pixels)
    assert url.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_a_sampled_request_carries_a_seed_of_its_own(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    vlm = ask(decode=DecodeSpec(num_beams=1, do_sample=True), concurrency=1)
    answers_in_order(vlm, prompts[:2])
    answers_in_order(vlm, prompts[:2][::-1])
    seeds = [body["seed"] for body in server.bodies]
    assert seeds == [*seeds[:2], *seeds[:2][::-1]]
    assert seeds[0] != seeds[1]
    answers_in_order(ask(decode=DecodeSpec(num_beams=1)), prompts[:1])
    assert "seed" not in server.bodies[-1]


def test_the_limit_of_tokens_goes_by_the_name_that_the_server_takes(
    server: ScriptedServer, ask: Callable[..., ServedVLM], prompts: list[Prompt]
) -> None:
    server.scripted = [failure(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")]
    vlm = ask(concurrency=1)
    assert answers_in_order(vlm, prompts[:2]) == [Answer(f"re {prompt.texts[-1]}") for prompt in prompts[:2]]
    names = [sorted(body.keys() & {"max_tokens", "max_completion_tokens"}) for body in server.bodies]
    assert names == [["max_tokens"], ["max_completion_tokens"], ["max_completion_tokens"]]
    assert {body.get("max_tokens", body.get("max_completion_tokens")) for body in server.bodies} == {
        GREEDY.max_new_tokens
    }
