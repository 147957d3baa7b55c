"""Decoding as transformers' `generate` takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from db.specs.evaluate import DecodeSpec


def generation_config(decode: DecodeSpec, tokenizer: Any, ends: Sequence[int]) -> Any:
    """Every field that decides an answer, stated."""
    # hub access is cut (loading.load_model) before transformers is imported
    from transformers import GenerationConfig

    sampling = {"temperature": decode.temperature, "top_p": decode.top_p, "top_k": decode.top_k}
    beams = {"length_penalty": decode.length_penalty, "early_stopping": False}
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return GenerationConfig(
        max_new_tokens=decode.max_new_tokens,
        min_new_tokens=decode.min_new_tokens,
        num_beams=decode.num_beams,
        do_sample=decode.do_sample,
        repetition_penalty=decode.repetition_penalty,
        no_repeat_ngram_size=0,
        num_return_sequences=1,
        use_cache=True,
        eos_token_id=list(ends),
        pad_token_id=pad,
        **(beams if decode.num_beams > 1 else {}),
        **(sampling if decode.do_sample else {}),
    )
