"""Browsing large RL data: makes files of 300 MB and 1 GB, and measures first sight, index, pages, sorts, filters and memory.

    python benchmarks/rl_browse.py make FILE --queries 59927
    python benchmarks/rl_browse.py measure FILE --cache DIR
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

CANDIDATES = 40
TRAIN = 200_000
POOL = 64
METHODS = ("beam", "beam", "sample", "random", "retrieval", "retrieval")
SUBJECTS = ("bird", "dog", "train", "kitchen", "street", "player", "vase", "sign", "horse", "boat")
ASKED = ("What is the {} famous for?", "What colour is the {}?", "How many parts has this {}?", "Where is the {} going?",
         "Who would use the {} in this picture?")  # fmt: skip
ANSWERS = ("talking", "red", "blue", "two", "north", "left", "children", "wood", "sport", "tabby cat")


def make(path: Path, queries: int, seed: int = 0) -> None:
    """Write an RL file of the third published kind: stored pools, local and global pointers, every score field."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"_meta": {"version": "k64", "vqa_model": "Qwen/Qwen2.5-VL-3B-Instruct", "synthetic": true}')
        for query_id in range(queries):
            file.write(f',\n"{query_id}": {_record(rng, query_id)}')
        file.write("}\n")


def _record(rng: random.Random, query_id: int) -> str:
    pool = rng.sample(range(query_id + 1, TRAIN), POOL)  # above the query's own row, which it must not be shown
    right = rng.choice((0.0, 0.0, 0.2, 0.5, 0.9, 1.0))
    answer = rng.choice(ANSWERS)
    group = ", ".join(_candidate(rng, rank, pool, answer, right) for rank in range(CANDIDATES))
    question = rng.choice(ASKED).format(rng.choice(SUBJECTS))
    said = ", ".join([f'"{answer}"'] * 6 + [f'"{rng.choice(ANSWERS)}"'] * 4)
    about = (
        f'{{"query_id": {query_id}, "question_id": {10 * query_id + 5}, "image_id": {query_id // 2}, '
        f'"question": "{question}", "gt_answers_raw": [{said}], "gt_answers_norm": [{said}]}}'
    )
    return f'{{"query": {about}, "candidate_pool_ids": {pool}, "pointer_candidates": [{group}]}}'


def _candidate(rng: random.Random, rank: int, pool: list[int], answer: str, right: float) -> str:
    first, second = rng.sample(range(POOL), 2)
    accuracy = rng.choice((0.6, 1.0)) if rng.random() < right else 0.0
    said = answer if accuracy else rng.choice(ANSWERS)
    method = METHODS[rank % len(METHODS)]
    return (
        f'{{"pointer": [{first}, {second}], "pointer_global": [{pool[first]}, {pool[second]}], "gen_method": "{method}", '
        f'"beam_rank": {rank if method == "beam" else "null"}, "beam_score": {rng.random():.6f}, '
        f'"logprob_score": {-9 * rng.random():.6f}, "temperature": null, "similarity_score": null, '
        f'"vqa_pred_answer": "{said}", "vqa_raw_generation": "{said}.", "vqa_gt_prob": {rng.random() * 1e-6:.3e}, '
        f'"vqa_correct": {int(accuracy > 0)}, "vqa_acc_score": {accuracy}, "vqa_rel_score": {1.0 if accuracy else 0.15}, '
        '"vqa_eval_mode": "vqaEval", "eval_split_used": "train", "eval_failed": false}'
    )


def main() -> None:
    """Make a file, or measure one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make",))
    parser.add_argument("file", type=Path)
    parser.add_argument("--queries", type=int, default=59_927)
    arguments = parser.parse_args()
    make(arguments.file, arguments.queries)


if __name__ == "__main__":
    main()
