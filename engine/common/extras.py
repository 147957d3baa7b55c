"""Packages that are not installed with the program: which feature needs which, and how to get it."""

from __future__ import annotations

from importlib.util import find_spec

from db.specs.base import UserError

EXTRAS = {"ray": "ray", "sentence_transformers": "text-encoders", "submitit": "slurm", "torchvision": "torchvision"}
"""Package -> extra of this program that installs it."""


class MissingExtra(UserError):
    """A package is not installed that a request needs."""

    code = "missing-extra"


def require(package: str, what: str) -> None:
    """Raises MissingExtra where `package` is not installed; `what` begins the sentence and names what needs it."""
    if find_spec(package) is None:
        name = package.replace("_", "-")
        raise MissingExtra(
            f"{what}, which needs the package {name}, and it is not installed; install it with: "
            f"pip install 'leverplus[{EXTRAS[package]}]'"
        )
