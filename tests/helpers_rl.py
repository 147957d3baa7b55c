"""Small RL data of every published kind (R1 to R6 and the legacy beam format), made by seeded functions."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Document = dict[str, Any]

TRAIN_SIZE = 200
"""Rows of the train split that ids refer to."""
POOL_SIZE = 64
ACCURACIES = (0.0, 0.0, 0.6, 1.0)


def scores(rng: random.Random) -> Record:
    """What a fully scored candidate carries beside its pointer."""
    accuracy = rng.choice(ACCURACIES)
    return {
        "gen_method": rng.choice(("beam", "sample", "random", "retrieval")),
        "beam_rank": None,
        "beam_score": round(rng.uniform(0, 2), 6),
        "logprob_score": round(-rng.uniform(0, 9), 6),
        "temperature": None,
        "vqa_pred_answer": rng.choice(("talking", "red", "bird")),
        "vqa_raw_generation": "Talking.",
        "vqa_correct": int(accuracy > 0),
        "vqa_acc_score": accuracy,
        "vqa_gt_prob": 1e-7,
        "vqa_rel_score": 1.0 if accuracy else 0.15,
        "vqa_eval_mode": "vqaEval",
        "eval_split_used": "train",
        "eval_failed": False,
    }


def question(query_id: int) -> Record:
    """The `query` object; two queries share each image."""
    answers = ["talking"] * 6 + ["mimicry"] * 4
    return {
        "query_id": query_id,
        "question_id": 1000 + query_id,
        "image_id": 5000 + query_id // 2,
        "question": f"What is bird {query_id} famous for?",
        "gt_answers_raw": answers,
        "gt_answers_norm": answers,
    }


def pairs(rng: random.Random, query_id: int, count: int) -> list[list[int]]:
    """Ordered pairs of train ids without the query's own."""
    others = [i for i in range(TRAIN_SIZE) if i != query_id]
    return [rng.sample(others, 2) for _ in range(count)]


def plain(queries: int = 10, candidates: int = 8, seed: int = 0) -> Document:
    """R1: only candidates, global pointers."""
    rng = random.Random(seed)
    return {
        str(q): {"pointer_candidates": [{"pointer": p} | scores(rng) for p in pairs(rng, q, candidates)]}
        for q in range(queries)
    }


def strict(queries: int = 10, candidates: int = 8, seed: int = 0) -> Document:
    """R2: metadata, questions, `pointer_pos` equal to the global `pointer`."""
    rng = random.Random(seed)
    document: Document = {"_meta": {"vqa_model": "Qwen/Qwen2.5-VL-3B-Instruct", "strict_eval": True}}
    for q in range(queries):
        group = [{"pointer": p, "pointer_pos": list(p)} | scores(rng) for p in pairs(rng, q, candidates)]
        document[str(q)] = {"query": question(q), "pointer_candidates": group}
    return document


def pooled(queries: int = 10, candidates: int = 8, seed: int = 0, pool_size: int = POOL_SIZE) -> Document:
    """R3: each query has a stored pool, `pointer` counts inside it, `pointer_global` names train rows."""
    rng = random.Random(seed)
    document: Document = {"_meta": {"version": "k64", "vqa_model": "Qwen/Qwen2.5-VL-3B-Instruct"}}
    for q in range(queries):
        pool = rng.sample([i for i in range(TRAIN_SIZE) if i != q], pool_size)
        group = []
        for _ in range(candidates):
            local = rng.sample(range(pool_size), 2)
            group.append({"pointer": local, "pointer_global": [pool[i] for i in local]} | scores(rng))
        document[str(q)] = {"query": question(q), "candidate_pool_ids": pool, "pointer_candidates": group}
    return document


def fixed(queries: int = 10, candidates: int = 8, seed: int = 0) -> Document:
    """R4: as R3 after a repair: a stale `pointer_pos` that is global, and one record whose repair failed."""
    document = pooled(queries, candidates, seed)
    document["_meta"] = {"fix_version": "v3", "fixed_at": "2026-02-03 10:11:12"}
    for record in list(document.values())[1:]:
        for candidate in record["pointer_candidates"]:
            candidate["pointer_pos"] = list(candidate["pointer_global"])
    failed = document[str(queries - 1)]
    failed |= {"_fix_failed": True, "_fix_error": "pool is too small"}
    for candidate in failed["pointer_candidates"]:
        candidate["pointer"] = candidate.pop("pointer_global")
        del candidate["pointer_pos"]
    return document


def balanced(queries: int = 10, candidates: int = 8, seed: int = 0) -> Document:
    """R5: answers as objects, candidates with a pointer, an answer and an accuracy only."""
    rng = random.Random(seed)
    document: Document = {"_meta": {"eval_per_query": candidates, "pos_ratio_range": [0.4, 0.6]}}
    for q in range(queries):
        about = question(q)
        about["gt_answers_raw"] = [
            {"answer": answer, "answer_confidence": "yes", "answer_id": i + 1}
            for i, answer in enumerate(about["gt_answers_raw"])
        ]
        group = [
            {"pointer": p, "vqa_pred_answer": "red", "vqa_acc_score": rng.choice(ACCURACIES)}
            for p in pairs(rng, q, candidates)
        ]
        document[str(q)] = {"query": about, "pointer_candidates": group}
    return document


def mixed(queries: int = 10, candidates: int = 8, seed: int = 0) -> Document:
    """R6: merged from several sources: pooled groups with plain, transferred and fallback candidates in them."""
    rng = random.Random(seed)
    document = pooled(queries, candidates, seed)
    del document["_meta"]
    for q in range(queries):
        record = document[str(q)]
        extra = [{"pointer": [k + 100 for k in p], "pointer_global": [k + 100 for k in p]} | scores(rng)
                 for p in pairs(random.Random(q), q, 1) if max(p) < TRAIN_SIZE - 100]  # fmt: skip
        moved = {"pointer": pairs(rng, q, 1)[0], "gen_method": "global_positive_transfer",
                 "vqa_correct": 1, "vqa_acc_score": 1.0, "vqa_eval_mode": "fallback", "source_query": "7"}  # fmt: skip
        record["pointer_candidates"] += [*extra, moved]
        if q % 2:
            del record["candidate_pool_ids"], record["query"]
    return document


def legacy(queries: int = 10, beams: int = 5, seed: int = 0) -> Document:
    """Legacy beam data: lists of train ids that end with the query, and InfoScores of any sign."""
    rng = random.Random(seed)
    return {
        str(q): {
            "id_list": [[*pair, q] for pair in pairs(rng, q, beams)],
            "score_list": [rng.uniform(-0.1, 1e-8) for _ in range(beams)],
        }
        for q in range(queries)
    }


VARIANTS: dict[str, Callable[[], Document]] = {
    "R1": plain, "R2": strict, "R3": pooled, "R4": fixed, "R5": balanced, "R6": mixed, "legacy": legacy,
}  # fmt: skip


def write(path: Path, document: Document, indent: int | None = 2) -> Path:
    """Write a document as upstream does (indent 2, ASCII-escaped) and return the path."""
    path.write_text(json.dumps(document, indent=indent))
    return path
