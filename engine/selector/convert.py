"""`python -m engine.selector.convert SRC OUT --to leverplus|upstream`: another layout, the same function, and the proof of it.

Nothing is placed at OUT before the selector read back from it has given, on seeded random inputs, the very same bits.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from db.specs.base import UserError
from db.specs.selector import parameter_count
from engine.common.files.atomic import files_into, write_bytes
from engine.common.program import WrittenWrong, file_program, finish, refuse_place
from engine.selector import PointerSelector
from engine.selector.checkpoint import Loaded, open_selector, save_selector, tensors_sha
from engine.weights.recognition import compatible_names, variant_of

SEED, QUERIES, POOL, POINTERS = 0, 8, 24, 6
UNTOLD = {"num_heads": 1, "candidate_heads": 1, "mmr_reduction": "max"}
"""Fields that change the function and that an upstream file does not hold, at the values that upstream assumes."""


def convert(
    source: Path, out: Path, *, to: str = "leverplus", answers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Convert a checkpoint; returns the summary that `--json` prints. Raises UserError; then OUT is what it was."""
    refuse_place(source, out, overwrite=True)
    loaded = open_selector(source, answers=answers)
    write = {"leverplus": _write_ours, "upstream": _write_upstream}[to]
    with files_into(out.parent) as folder:
        draft = folder / out.name
        write(draft, loaded, source)
        tell = _untold(loaded.selector) if to == "upstream" else {}
        proof = prove(loaded.selector, open_selector(draft, answers=tell).selector)
        if not proof["identical"]:
            raise WrittenWrong(_changed(source, to, proof))
    return _summary(source, out, to, loaded, tell, proof)


def prove(before: PointerSelector, after: PointerSelector) -> dict[str, Any]:
    """Whether two selectors give the same bits: teacher-forced logits and greedy picks on seeded random inputs."""
    shots = min(before.max_shots, after.max_shots)
    generator = torch.Generator().manual_seed(SEED)
    query = torch.randn(QUERIES, before.sizes.d_model, generator=generator)
    candidates = torch.randn(QUERIES, POOL, before.sizes.d_model, generator=generator)
    pointers = torch.rand(QUERIES, POINTERS, POOL, generator=generator).argsort(-1)[..., :shots]
    with torch.no_grad():
        one, two = (net.logits(query, candidates, pointers) for net in (before, after))
    picks = [net.select(query, candidates, shots) for net in (before, after)]
    return {
        "identical": torch.equal(one, two) and torch.equal(*picks),
        "largest_difference": float((one - two).abs().max()),
        "queries": QUERIES, "candidates": POOL, "pointers": POINTERS, "shots": shots, "seed": SEED,
        "tensors_sha256": tensors_sha(after.state_dict()),
    }  # fmt: skip


def _write_ours(path: Path, loaded: Loaded, source: Path) -> None:
    if path.suffix != ".safetensors":
        raise UserError(f"{path.name}: our layout is a .safetensors file; name the result so, or use --to upstream")
    manifest, metadata = loaded.manifest, loaded.metadata
    kept = {key: metadata[key] for key in ("epoch", "phase", "kl_beta", "model_type") if key in metadata}
    conversion = {"converted_from": source.name, "source_sha256": _sha(source), "assumed": dict(loaded.assumed)}
    metrics = metadata.get("metrics")
    save_selector(
        path,
        loaded.selector,
        lineage=(manifest.lineage if manifest else kept) | conversion,
        metrics=manifest.metrics if manifest else metrics if isinstance(metrics, dict) else {},
        embedding=manifest.embedding if manifest else {},
        pool=manifest.pool if manifest else {},
        variant=loaded.names[0] if loaded.names else "",
    )


def _write_upstream(path: Path, loaded: Loaded, source: Path) -> None:
    if path.suffix == ".safetensors":
        raise UserError(f"{path.name}: upstream reads .pt files; name the result so")
    content = upstream_content(loaded.selector, _stored(loaded), loaded.names[0] if loaded.names else "")
    if content is None:
        raise UserError(f"{source}: no published selector has these parts, so upstream could not read it")
    stream = io.BytesIO()
    torch.save(content, stream)
    write_bytes(path, stream.getvalue(), durable=True)


def _stored(loaded: Loaded) -> dict[str, Any]:
    """Epoch, phase, KL weight and metrics, from wherever the source keeps them."""
    if loaded.manifest is None:
        return dict(loaded.metadata)
    lineage, metrics = loaded.manifest.lineage, dict(loaded.manifest.metrics)
    if "epoch" not in lineage:
        # upstream counts epochs from 0, as files that came from there still do, and we from 1
        lineage = lineage | {"epoch": metrics.pop("epoch", 1) - 1}
    return metrics | lineage | {"metrics": {k: float(v) for k, v in metrics.items() if isinstance(v, int | float)}}


def upstream_content(selector: PointerSelector, stored: Mapping[str, Any], variant: str = "") -> dict[str, Any] | None:
    """What upstream's trainer would have saved, in its order; none if it has no such selector."""
    names = compatible_names(selector.parts, variant)
    if not names:
        return None
    metrics, epoch, beta = (stored.get(key) for key in ("metrics", "epoch", "kl_beta"))
    content: dict[str, Any] = {
        "epoch": epoch if isinstance(epoch, int) else 0,
        "phase": str(stored.get("phase", "rce")),
        "model_state_dict": {name: tensor.detach().cpu().clone() for name, tensor in selector.state_dict().items()},
        "kl_beta": float(beta) if isinstance(beta, int | float) else 0.1,
        "metrics": dict(metrics) if isinstance(metrics, dict) else {},
    }
    if names[0] in ("v1", "v2", "v3", "v4_1"):
        return content
    return content | {"model_type": names[0]} | _variant_fields(selector, names[0], content["metrics"])


def _variant_fields(selector: PointerSelector, name: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that upstream stores beside the tensors of each v4 variant."""
    parts, fields = selector.parts, dict[str, Any]()
    if parts.diversity == "mmr":
        fields["div_lambda_values"] = torch.nn.functional.softplus(selector.div_lambda).tolist()
    if parts.diversity == "coverage":
        fields |= {"num_topics": parts.num_topics} | _weights("cover", selector.cover_lambda)
    if parts.diversity == "dpp":
        fields |= {"dpp_rank": parts.dpp_rank} | _weights("dpp", selector.dpp_lambda)
    if name == "v4_5":
        fields["attention_type"] = parts.scorer
    if parts.state_update == "slots":
        fields |= {"num_slot_layers": parts.slot_layers, "use_slot_cand_attn": parts.slot_candidate_attention}
    if name == "v4_9":
        fields |= {"top_m": parts.top_m, "refine_type": parts.refine_type}
    if name in ("v4_9", "v4_10"):
        fields |= {"use_gru": parts.state_update == "gru", "use_step_emb": parts.step_embedding}
        fields["val_loss"] = metrics.get("val_loss")
    return fields


def _weights(kind: str, raw: torch.Tensor) -> dict[str, float]:
    effective = torch.nn.functional.softplus(raw)
    return {f"{kind}_lambda_raw": raw.item(), f"{kind}_lambda_effective": effective.item()}


def _untold(selector: PointerSelector) -> dict[str, Any]:
    """What must be set by hand where an upstream file is read, because the file cannot hold it."""
    parts, sizes = selector.parts, selector.sizes
    relevant = {
        "num_heads": sizes.num_heads if parts.projection != "towers" else 1,
        "candidate_heads": parts.candidate_heads if parts.candidate_layers else 1,
        "mmr_reduction": parts.mmr_reduction if parts.diversity == "mmr" else "max",
    }
    return {name: value for name, value in relevant.items() if value != UNTOLD[name]}


def _changed(source: Path, to: str, proof: Mapping[str, Any]) -> str:
    apart = f"logits differ by up to {proof['largest_difference']:.3g}"
    return f"{source} cannot be written for {to} without changing what it computes ({apart}); nothing was written"


def _sha(path: Path) -> str:
    """SHA-256 of a file, or of the files of a folder in the order of their names."""
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _summary(
    source: Path, out: Path, to: str, loaded: Loaded, tell: Mapping[str, Any], proof: Mapping[str, Any]
) -> dict[str, Any]:
    naming, sizes = loaded.naming, loaded.selector.sizes
    state = {name: tuple(tensor.shape) for name, tensor in loaded.selector.state_dict().items()}
    return {
        "source": str(source), "out": str(out), "to": to, "format": loaded.file_format,
        "variant": loaded.names[0] if loaded.names else variant_of(loaded.selector.parts),
        "d_model": sizes.d_model, "hidden_dim": sizes.hidden_dim, "num_layers": sizes.num_layers,
        "tensors": len(state), "parameters": parameter_count(state),
        "renamed": {name: current for current, name in naming.own.items() if name in naming.legacy},
        "prefix": naming.prefix, "left_out": len(naming.beside),
        "taken": loaded.taken, "second_sets": list(loaded.second_sets),
        "assumed": dict(loaded.assumed), "to_be_told": dict(tell), "sha256": _sha(out), "proof": dict(proof),
    }  # fmt: skip


def describe(summary: Mapping[str, Any]) -> str:
    """The summary in sentences."""
    proof = summary["proof"]
    lines = [
        f"{summary['source']} ({summary['format']}) -> {summary['out']} ({summary['to']})",
        f"{summary['variant']}: {summary['tensors']} tensors, {summary['parameters']:,} parameters, "
        f"d_model {summary['d_model']}, hidden_dim {summary['hidden_dim']}, {summary['num_layers']} layers",
    ]
    if summary["prefix"]:
        lines.append(f"stripped the prefix {summary['prefix']}")
    if summary["renamed"]:
        lines.append(f"renamed {len(summary['renamed'])} tensors from the single-layer names to layer 0")
    if summary["left_out"]:
        lines.append(f"left out {summary['left_out']} tensors of the encoder beside the selector")
    if summary["second_sets"]:
        lines.append(
            f"took {summary['taken']}; left out a second complete set of weights: {', '.join(summary['second_sets'])}"
        )
    for key, sentence in (("assumed", "not in the file, taken as published"), ("to_be_told", "upstream must be told")):
        if summary[key]:
            lines.append(f"{sentence}: {', '.join(f'{name}={value}' for name, value in summary[key].items())}")
    lines.append(
        f"same function, bit for bit: {proof['queries']} random queries, {proof['candidates']} candidates, "
        f"{proof['pointers']} pointers each, {proof['shots']} shots, seed {proof['seed']}"
    )
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = file_program(
        "engine.selector.convert", "Convert a selector checkpoint; the function stays the same.",
        "grpo_epoch5.pt selector.safetensors --json", "checkpoint in any known layout",
    )  # fmt: skip
    parser.add_argument("out", type=Path, help="file to write: .safetensors of ours, .pt for upstream")
    parser.add_argument("--to", choices=("leverplus", "upstream"), default="leverplus", help="layout to write")
    parser.add_argument("--set", metavar="FIELD=VALUE", action="append", default=[], help="what the file cannot tell")
    chosen = parser.parse_args(words)
    return finish(
        lambda: convert(chosen.source, chosen.out, to=chosen.to, answers=_answers(chosen.set)),
        describe, chosen.out, as_json=chosen.json,
    )  # fmt: skip


def _answers(pairs: Sequence[str]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"--set {pair}: write FIELD=VALUE, such as num_heads=2")
        try:
            answers[name] = json.loads(text)
        except ValueError:
            answers[name] = text
    return answers


if __name__ == "__main__":
    sys.exit(main())
