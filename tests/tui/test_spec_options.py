"""From text to a specification and back: precedence, shapes of values, errors that name the field."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from db.specs import SPEC_OF_KIND, EvalSpec, TrainSpec, UserError
from leverplus_tui.jobs.spec_building import build_spec
from leverplus_tui.jobs.spec_command import command_of, command_text
from leverplus_tui.jobs.spec_options import flatten, options

TRAIN = {"rl_data": "data.json", "embeddings": "e.safetensors"}


@pytest.mark.parametrize("kind", SPEC_OF_KIND)
def test_every_plain_field_has_an_option_with_help(kind: str) -> None:
    shown = options(kind)
    nested = {"prompt", "decode", "parts", "kind"}
    assert {option.field for option in shown} == set(SPEC_OF_KIND[kind].model_fields) - nested
    assert all(option.help and option.flag.startswith("--") for option in shown)
    assert len({option.flag for option in shown}) == len(shown)


def test_the_contract_names_of_options() -> None:
    assert {option.field: option.flag for option in options("eval")}["shots"] == "--shot"
    assert {option.field: option.flag for option in options("rce")}["rl_data"] == "--data"
    assert {option.field: option.flag for option in options("generate")}["shots"] == "--shots"


def test_a_later_source_wins(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text("seed = 1\nbatch_size = 2\nlimit = 3\n[decode]\nnum_beams = 1\nmax_new_tokens = 9\n")
    spec = build_spec("eval", {"batch_size": "20", "limit": "30"}, path, ["limit=300", "decode.num_beams=5"])
    assert isinstance(spec, EvalSpec)
    assert (spec.seed, spec.batch_size, spec.limit) == (1, 20, 300)
    assert (spec.decode.num_beams, spec.decode.max_new_tokens) == (5, 9)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("shots", ["1", "2,4"], (1, 2, 4)),
        ("shots", ["0-2 4"], (0, 1, 2, 4)),
        ("first", ["[100, 200]"], (100, 200)),
        ("limit", "none", None),
        ("limit", "7", 7),
        ("strict", True, True),
        ("retriever", "i2i", "i2i"),
        ("vlm", "123", "123"),
        ("vlm", "'quoted'", "quoted"),
    ],
)
def test_text_takes_the_shape_of_its_field(field: str, text: Any, value: Any) -> None:
    assert getattr(build_spec("eval", {field: text}), field) == value


def test_set_reaches_nested_fields_and_whole_parts() -> None:
    spec = build_spec("rce", TRAIN, None, ["parts.scorer=bilinear"])
    assert isinstance(spec, TrainSpec)
    assert spec.parts is not None
    assert spec.parts.scorer == "bilinear"
    whole = build_spec("rce", TRAIN, None, ['parts={scorer = "additive", stop = true}'])
    assert isinstance(whole, TrainSpec)
    assert whole.parts is not None
    assert (whole.parts.scorer, whole.parts.stop) == ("additive", True)


def test_grpo_trains_grpo_alone_unless_asked() -> None:
    alone = build_spec("grpo", TRAIN)
    after = build_spec("grpo", {**TRAIN, "rce_epochs": "3"})
    rce = build_spec("rce", TRAIN)
    assert isinstance(alone, TrainSpec)
    assert isinstance(after, TrainSpec)
    assert isinstance(rce, TrainSpec)
    assert (alone.rce_epochs, alone.grpo_epochs) == (0, 10)
    assert (after.rce_epochs, after.grpo_epochs) == (3, 10)
    assert (rce.rce_epochs, rce.grpo_epochs) == (5, 0)


@pytest.mark.parametrize(
    ("kind", "flags", "sets", "said"),
    [
        ("eval", {"batch_size": "0"}, [], "batch_size = '0': must be greater than or equal to 1"),
        ("eval", {"batch_size": "many"}, [], "batch_size = 'many': must be a whole number"),
        ("eval", {"shots": ["x"]}, [], "shots = 'x': must be a whole number"),
        ("eval", {}, ["shots=[]"], "shots is empty: give at least one value, such as --shot 2"),
        ("eval", {}, ["strict=perhaps"], "strict = 'perhaps': must be true or false"),
        ("eval", {}, ["decode=3"], "decode = 3: must be a table"),
        ("eval", {}, ["foo=1"], "there is no field foo: known are dataset, split"),
        ("eval", {}, ["beams=1"], "there is no field beams: did you mean decode.num_beams?"),
        ("rce", {**TRAIN, "rce_lr": "fast"}, [], "rce_lr = 'fast': must be a number"),
        ("eval", {"retriever": "best"}, [], "retriever = 'best': must be 'zero-shot', 'random', 'fixed'"),
        ("eval", {"shots": ["9"]}, [], "shots must be 0 to 8, not 9"),
        ("eval", {}, ["decode.beams=2"], "there is no field decode.beams: did you mean decode.num_beams"),
        ("eval", {}, ["seeds=2"], "there is no field seeds: did you mean seed"),
        ("eval", {}, ["seed"], "--set seed: write FIELD=VALUE"),
        ("eval", {}, ["kind=rce"], "there is no field kind"),
        ("eval", {}, ["prompt.query=x"], "query must contain {question}"),
        ("rce", {}, [], "`run rce` needs --data: RL data file, or `builtin`"),
        ("rce", {"rl_data": "d"}, [], "`run rce` needs --embeddings"),
        ("rce", TRAIN, ["parts.scorer=cosine"], "parts.scorer = 'cosine': must be 'dot'"),
    ],
)
def test_errors_name_field_value_and_what_is_allowed(
    kind: str, flags: dict[str, Any], sets: list[str], said: str
) -> None:
    with pytest.raises(UserError) as error:
        build_spec(kind, flags, None, sets)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = ", "is not TOML"),
        ('kind = "rce"', "describes a job of kind rce"),
        ("sed = 1", "there is no field sed: did you mean seed"),
        ("[decode]\nbeams = 1", "there is no field decode.beams"),
    ],
)
def test_a_wrong_spec_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "job.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"job\.toml") as error:
        build_spec("eval", {}, path)
    assert said in str(error.value)


def test_a_missing_spec_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.toml cannot be read"):
        build_spec("eval", {}, tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("kind", "flags", "sets"),
    [
        ("eval", {}, []),
        (
            "eval",
            {"shots": ["0", "4"], "first": ["100"], "strict": True, "retriever": "i2t", "vlm": "a b"},
            ["decode.num_beams=1"],
        ),
        ("eval", {"most_similar_last": False}, ["prompt.system="]),
        ("rce", TRAIN, ["parts.stop=true", "filter_gen_methods=beam,sample"]),
        ("grpo", {**TRAIN, "rce_epochs": "2"}, []),
        ("generate", {"temperatures": ["0.5"]}, ["temperatures=[]"]),
        ("embed", {"use_image": False}, []),
    ],
)
def test_a_specification_gives_the_command_that_gives_it(kind: str, flags: dict[str, Any], sets: list[str]) -> None:
    spec = build_spec(kind, flags, None, sets)
    words = command_of(spec)
    assert words[:3] == ["leverplus", "run", kind]
    assert shlex.split(command_text(spec)) == words
    assert _parsed(kind, words[3:]) == spec


def test_the_default_command_is_short() -> None:
    assert command_text(EvalSpec()) == "leverplus run eval"


def test_flatten_gives_dotted_leaves() -> None:
    assert dict(flatten({"a": {"b": 1, "c": [2]}, "d": None})) == {"a.b": 1, "a.c": [2], "d": None}


def _parsed(kind: str, words: list[str]) -> object:
    """The words as the command line would take them."""
    fields = {option.flag: option for option in options(kind)}
    flags: dict[str, Any] = {}
    sets: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        positive = word.replace("--no-", "--", 1)
        if word == "--set":
            sets.append(words[position + 1])
        elif fields[positive].kind == "flag":
            flags[fields[positive].field] = word == positive
            position -= 1
        elif fields[word].kind == "list":
            flags.setdefault(fields[word].field, []).append(words[position + 1])
        else:
            flags[fields[word].field] = words[position + 1]
        position += 2
    return build_spec(kind, flags, None, sets)
