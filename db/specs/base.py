"""What every specification shares: frozen, strict, one docstring line under each field; and what is said to the user."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from db.canonical import canonical_json as canonical_json
from db.canonical import sha256_text as sha256_text
from db.user_error import SEVERITIES as SEVERITIES
from db.user_error import Severity as Severity
from db.user_error import UserError as UserError


class Spec(BaseModel):
    """Base of all specifications: immutable, unknown fields are refused, field docstrings become help texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())

    def canonical(self) -> str:
        """The specification as canonical JSON (sorted keys, no blanks): the text that hashes are taken of."""
        return canonical_json(self.model_dump(mode="json"))

    def sha(self) -> str:
        """SHA-256 (hex) of the canonical JSON."""
        return sha256_text(self.canonical())


class Finding(Spec):
    """One thing that is wrong or worth knowing, in a sentence, with the way out."""

    code: str
    """Stable name of the kind of finding, such as `legacy-keys`."""
    severity: Severity
    """`error` blocks a run, `warning` is shown everywhere, `info` is worth knowing."""
    subject: str
    """What it is about: a file, a tensor, a query, a run."""
    message: str
    """One sentence that a researcher understands, with the numbers."""
    fix: str = ""
    """What to do; a command where there is one."""


class Report(Spec):
    """What the doctor says of one path or run."""

    path: str
    """The file, directory or run that was examined."""
    kind: Literal[
        "checkpoint", "rl-data", "embeddings", "sampler-cache", "matrix", "report", "dataset", "run", "unknown"
    ]
    """What it was recognised as."""
    facts: dict[str, Any] = {}
    """What was read, by name."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with it; empty when nothing is."""


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then what is only worth knowing; each kind in the order in which it came."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def has_error(findings: Iterable[Finding]) -> bool:
    """Whether one of these blocks a run, or makes a check fail."""
    return any(finding.severity == "error" for finding in findings)


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON values, as every `--json` prints them."""
    return [finding.model_dump(mode="json") for finding in findings]
