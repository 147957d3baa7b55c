"""What a user should know of how a local model answers."""

from __future__ import annotations

from db.specs.base import Finding
from engine.common.findings import info, warning
from engine.packed.agreement import Agreement

ENGINE = "engine-differs"
ENOUGH = 0.9
"""Share of equal answers below which fp8 is warned of."""


def differs(name: str, reason: str) -> Finding:
    """The packed engine failed its self-test."""
    text = f"The packed engine is not used for {name}, because {reason}; transformers' generate answers, many times slower."
    fix = "run with --engine plain to leave the test out, and report the model, its precision and the device"
    return warning(ENGINE, name, text, fix)


def unsupported(name: str, reason: str) -> Finding:
    """The packed engine was asked for in vain."""
    text = f"The packed engine was asked for but cannot run {name}: {reason}; transformers' generate answers."
    return warning(ENGINE, name, text, "give --engine auto or plain")


def fp8_prefill(name: str, found: Agreement) -> Finding:
    """Prompts are read in fp8: how far that leads to other answers."""
    text = (
        f"fp8 prefill: {found.equal} of {found.prompts} answers to drawn pictures are equal to bfloat16's; scores lie "
        f"{found.distance_fp8:.3f} from float32's (bfloat16's: {found.distance:.3f}; relative, mean of {found.scored})."
    )
    say = info if found.equal >= ENOUGH * found.prompts else warning
    return say("fp8-prefill", name, text, "compare with runs that were read in fp8 too, or leave --prefill out")
