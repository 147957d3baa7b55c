"""Small selectors of every combination of parts, and small batches for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from db.specs.selector import DIVERSITIES, EARLIER, PUBLISHED, SCORERS, STATE_UPDATES, Form, SelectorParts
from engine.selector import PointerSelector

D, H, K, B, P, S = 12, 8, 6, 3, 4, 2

VARIANTS: dict[str, SelectorParts] = {
    **PUBLISHED,
    **{f"{name} earlier": parts for name, parts in EARLIER.items()},
    "mlp": PUBLISHED["v4_9"].model_copy(update={"refine_type": "mlp", "top_m": 3}),
    "mmr mean": PUBLISHED["v4_3"].model_copy(update={"mmr_reduction": "mean"}),
    "weighted": PUBLISHED["v4_9"].model_copy(update={"state_update": "weighted", "update_weight": 0.6, "top_m": 3}),
}
TABLES: Mapping[str, Mapping[Any, Form]] = {"state_update": STATE_UPDATES, "scorer": SCORERS, "diversity": DIVERSITIES}
VARIANTS |= {
    name: PUBLISHED["v4_2"].model_copy(update={part: name})
    for part, table in TABLES.items()
    for name in table
    if not any(getattr(parts, part) == name for parts in VARIANTS.values())
}
"""Every form of every part occurs, a new one by itself."""


def build(parts: SelectorParts, *, shots: int = S, seed: int = 0, **sizes: Any) -> PointerSelector:
    """A small selector in double precision whose weights are far from their start, so that every part matters."""
    torch.manual_seed(seed)
    net = PointerSelector(parts, **{"d_model": D, "hidden_dim": H, "num_heads": 2, "shots": shots} | sizes).double()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.add_((name != "temperature") * 0.2 * torch.randn_like(parameter))
    return net.eval()


def batch(*, pool: int = K, among: int = 0, shots: int = S, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Query embeddings, candidate embeddings and pointers without repeats, among the first candidates if asked."""
    generator = torch.Generator().manual_seed(seed)
    query, candidates = (torch.randn(*s, D, generator=generator, dtype=torch.float64) for s in ((B,), (B, pool)))
    order = torch.rand(B, P, among or pool, generator=generator).argsort(-1)
    return query, candidates, order[..., :shots]
