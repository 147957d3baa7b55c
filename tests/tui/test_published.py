"""Names of the published scripts: all are known, with their defaults; presets, YAML and shell scripts say what they come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from db.specs import SPEC_OF_KIND, EvalSpec, TrainSpec, UserError
from leverplus_tui.jobs.published.names import Name
from leverplus_tui.jobs.published.presets import published
from leverplus_tui.jobs.published.scopes import SCOPES, VARIANT_SCRIPTS, find, ours, scope_of
from leverplus_tui.jobs.published.scripts import Call, read_script
from leverplus_tui.jobs.published.yaml_file import read_yaml
from leverplus_tui.jobs.spec_building import build_spec, set_field
from leverplus_tui.jobs.spec_options import defaults, flatten, plain
from tests.helpers_cli import Desk, make_desk

NAMES = json.loads((Path(__file__).parents[1] / "golden" / "published_names.json").read_text())
TRAIN = {"rl_data": "rl.json", "embeddings": "e.npy"}
KINDS = {"flags", "env", "yaml"}


def published_names() -> list[tuple[str, str, Any]]:
    """(file, name, default) of everything that was published; a default of None is none."""
    found = []
    for kind in sorted(KINDS):
        for file, names in NAMES[kind].items():
            for name, told in names.items():
                default = told.get("default") if kind == "flags" else told
                found.append((file, name, default))
    return found


def known_entry(file: str, name: str) -> Name | None:
    scope = scope_of(file)
    return scope.find(name) if scope is not None else None


def entry_of(file: str, name: str) -> Name:
    scope = scope_of(file)
    assert scope is not None, f"{file} is in no scope"
    entry = scope.find(name)
    assert entry is not None, f"{file}: {name} is not in the table of {scope.title}"
    return entry


def test_every_published_name_is_in_a_table_and_no_table_has_others() -> None:
    listed = {(file, name) for file, name, _ in published_names()}
    lacking = [one for one in sorted(listed) if not known_entry(*one)]
    assert lacking == []
    known = {id(entry_of(file, name)) for file, name in listed}
    assert [entry.name for scope in SCOPES for entry in scope.names if id(entry) not in known] == []


def test_defaults_are_as_published() -> None:
    told: dict[int, tuple[Name, set[str]]] = {}
    for file, name, default in published_names():
        entry = entry_of(file, name)
        told.setdefault(id(entry), (entry, set()))[1].add(alike(default))
    wrong = [
        f"{e.name}: {e.default} is none of {seen}"
        for e, seen in told.values()
        if e.default and not {alike(e.default), "${"} & seen
    ]
    assert not wrong, "; ".join(wrong)


def alike(value: Any) -> str:
    """A default whatever its quotes, brackets and digits."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value).strip('"[]')
    if text.startswith("${"):
        return "${"  # set elsewhere
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.lower()


@pytest.mark.parametrize("scope", SCOPES, ids=[scope.title for scope in SCOPES])
def test_every_entry_has_a_field_or_a_reason_and_every_field_is_ours(scope: Any) -> None:
    for entry in scope.names:
        assert entry.field or entry.why, entry.name
        for kind in scope.kinds:
            for value in (None, entry.default or "1", *entry.values):
                values: dict[str, Any] = {}
                for field, text in ours(entry, value):
                    if not (kind == "eval" and field in ("queries", "shots")):  # samplers serve generations too
                        set_field(
                            values, type(build_spec("eval", {})) if kind == "eval" else spec_type(kind), field, text
                        )


def spec_type(kind: str) -> Any:

    return SPEC_OF_KIND[kind]


def test_an_old_name_means_its_field_and_says_so() -> None:
    heard: list[str] = []
    spec = build_spec("rce", TRAIN, None, ["normalize_method=rank_normalize", "rce_temp_end=1"], tell=heard.append)
    assert isinstance(spec, TrainSpec)
    assert (spec.normalize, spec.temperature_end) == ("rank", 1.0)
    assert heard[0] == "normalize_method is the published name: taken as normalize=rank"
    build_spec("rce", TRAIN, None, ["text_emb=x.pt"], tell=heard.append)
    assert "left out: read by nobody" in heard[-1]


def test_a_mistyped_field_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean normalize"):
        build_spec("rce", TRAIN, None, ["normalise=rank"])
    with pytest.raises(UserError, match="did you mean normalize_clamp_value"):
        build_spec("rce", TRAIN, None, ["normalise_clamp_value=2"])


def test_the_published_preset_is_every_published_default_of_the_variant() -> None:
    spec = build_spec("rce", TRAIN, preset="published")
    assert isinstance(spec, TrainSpec)
    assert (spec.dropout, spec.queries_per_step, spec.rce_reward, spec.reference) == (
        0.5,
        1,
        "normalized",
        "before_rce",
    )
    later = build_spec("grpo", {**TRAIN, "variant": "v4_9", "grpo_lr": "1e-4"}, preset="published")
    assert isinstance(later, TrainSpec)
    assert (later.rce_epochs, later.grpo_epochs, later.grpo_lr, later.train_ratio) == (15, 50, 1e-4, 0.9)
    assert (later.early_top_k, later.temperature_start) == (None, 1.0)
    asked = build_spec("eval", {}, preset="published")
    assert isinstance(asked, EvalSpec)
    assert (asked.shots, asked.pool, asked.pool_size) == ((1, 2, 3, 4), "first", 2)
    with pytest.raises(UserError, match="--preset sound: known is published"):
        build_spec("eval", {}, preset="sound")


YAML = """
model: {num_layers: 2, K: 32}
base: &rates {lr: 1e-5, epochs: 7}
rce: ${base}
grpo:
  epochs: ${rce.epochs}
  lr: 5e-6
data:
  normalize_rewards: true
  data_files: ???
"""


def test_published_yaml_is_read_as_its_own_reader_does(tmp_path: Path) -> None:
    path = tmp_path / "grpo.yaml"
    path.write_text(YAML)
    values = read_yaml(path)
    assert values["rce"] == {"lr": 1e-5, "epochs": 7}
    assert values["data"] == {"normalize_rewards": True}
    path.write_text(YAML.replace("base: &rates", "rce:").replace("rce: ${base}\n", ""))
    heard: list[str] = []
    spec = build_spec("grpo", TRAIN, path, tell=heard.append)
    assert isinstance(spec, TrainSpec)
    assert (spec.rce_lr, spec.rce_epochs, spec.grpo_epochs, spec.grpo_reward, spec.num_layers) == (
        1e-5,
        7,
        7,
        "normalized",
        2,
    )
    assert any(line.startswith("model.K is left out") for line in heard)


def test_our_own_fields_stand_in_yaml_too(tmp_path: Path) -> None:
    path = tmp_path / "eval.yml"
    path.write_text("kind: eval\nshots: [0, 2]\ndecode:\n  num_beams: 1\n")
    spec = build_spec("eval", {}, path)
    assert isinstance(spec, EvalSpec)
    assert (spec.shots, spec.decode.num_beams) == ((0, 2), 1)


BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "holds a list"),
        ("a: [", "is not YAML"),
        ("rce_lr: ${nothing.there}", "cannot be read as a configuration"),
        ("a: " + "[" * 200 + "]" * 200, "is not YAML"),
        (BOMB, "unfolds to more than"),
        ("rce_lr: 1e-4\nturbo: true", "there is no field turbo"),
        ("a: *nothing", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
    ],
    ids=["list", "cut", "dangling", "deep", "bomb", "unknown", "alias", "object"],
)  # fmt: skip
def test_bad_yaml_is_refused_in_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        build_spec("rce", TRAIN, path)


def calls(tmp_path: Path, text: str) -> list[Call]:
    path = tmp_path / "train.sh"
    path.write_text(text)
    return read_script(path)[0]


@pytest.mark.parametrize("script", VARIANT_SCRIPTS)
def test_each_published_trainer_becomes_a_specification(script: str, tmp_path: Path) -> None:
    [call] = calls(
        tmp_path, f"python lever_lm/workflows/{script} --beam_data rl.json --img_emb e.pt --sft_ckpt s.ckpt\n"
    )
    spec = build_spec(call.kind, {}, None, [f"{name}={value}" for name, value in call.fields.items()])
    assert isinstance(spec, TrainSpec)
    assert (spec.rl_data, spec.embeddings, spec.init, spec.variant) == (
        "rl.json",
        "e.pt",
        "s.ckpt",
        VARIANT_SCRIPTS[script],
    )
    flat = {name: plain(value) for name, value in flatten(spec.model_dump(mode="json"))}
    wanted = published("grpo", spec.variant)
    assert {name: flat[name] for name in wanted} == {name: plain_default(text) for name, text in wanted.items()}
    assert call.kind == ("rce" if script == "grpo_post_train.py" else "grpo")


def plain_default(text: str) -> str:
    try:
        return plain(json.loads(text))
    except ValueError:
        return text


SCRIPT = """
#!/bin/bash
RCE_EPOCHS="${RCE_EPOCHS:-5}"; echo start
rce=${1:-7}
rate=${LR:-${2:-1e-3}}
found=$(find results -name '*.ckpt' | head -1)
if [ -z "$found" ]; then
    exit 1
fi
CUDA_VISIBLE_DEVICES=0 nohup python -m lever_lm.workflows.grpo_post_train \\
    --beam_data "data/rl.json" --img_emb e.pt --sft_ckpt "$found" \\
    --rce_epochs $rce --rce_lr "$rate" --use_ppo_clip_only --turbo 3 > log.txt 2>&1 &
python mine_positive_samples.py --old_rl a.json
"""


def test_a_shell_script_is_followed_where_it_can_be_and_told_where_not(tmp_path: Path) -> None:
    path = tmp_path / "train.sh"
    path.write_text(SCRIPT)
    [call], left = read_script(path)
    assert (call.kind, call.line, call.fields["rl_data"]) == ("rce", 10, "data/rl.json")
    assert (call.fields["rce_epochs"], call.fields["rce_lr"], call.fields["use_kl"]) == ("7", "1e-3", "false")
    assert "init" not in call.fields
    why = {one.text.split("=")[0].split()[0]: one.why for one in left}
    assert "decided when the script runs" in why["found"]
    assert "decided when the script runs" in why["--sft_ckpt"]
    assert "no such flag" in why["--turbo"]
    assert "not followed" in why["if"]
    assert "data derive" in why["mine_positive_samples.py"]


def test_the_command_prints_what_to_run_and_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk: Desk = make_desk(tmp_path, monkeypatch)
    path = tmp_path / "train.sh"
    path.write_text(SCRIPT)
    printed = desk.call("run", "from-script", str(path)).stdout
    assert "leverplus run rce --data data/rl.json --embeddings e.pt" in printed
    assert desk.json("run", "from-script", str(path))["jobs"][0]["kind"] == "rce"
    assert desk.json("runs") == []
    path.write_text("echo nothing\n")
    assert "calls none of the published scripts" in desk.call("run", "from-script", str(path), code=2).stderr


def test_names_below_others_are_found() -> None:
    found = find("eval", "task.gen_args.num_beams")
    assert found is not None
    assert list(ours(found, "5")) == [("decode.num_beams", "5")]
    assert find("eval", "nothing.of.it") is None
    assert defaults("eval")["shots"] == [2]
