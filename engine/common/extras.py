"""Packages that are not installed with the program: which feature needs which, and how to get it."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec

from db.specs.base import UserError
from engine.common.importing import HIDDEN

EXTRAS = {"ray": "ray", "sentence_transformers": "text-encoders", "submitit": "slurm", "torchvision": "torchvision"}
"""Package -> extra of this program that installs it."""


class MissingExtra(UserError):
    """A package is not installed that a request needs."""

    code = "missing-extra"


def require(package: str, what: str) -> None:
    """Raises MissingExtra where `package` is not installed, or was found broken; `what` begins the sentence and names what needs
    it."""
    name = package.replace("_", "-")
    if reason := HIDDEN.get(package):
        raise MissingExtra(
            f"{what}, which needs the package {name}, and the one that is installed cannot be imported ({reason}); install the one "
            f"of the same build as torch {version('torch')}, with the --index-url that torch came from"
        )
    if find_spec(package) is None:
        raise MissingExtra(
            f"{what}, which needs the package {name}, and it is not installed; install it with: "
            f"pip install 'leverplus[{EXTRAS[package]}]'"
        )
