"""The language of the terminal program: `shown` is called where words are drawn, with the English ones as the key.

Chosen by `--lang`, LEVERPLUS_LANG or on the page of settings. Reports have a choice of their own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from leverplus_tui.text.catalogue import LANGUAGES, Catalogue, Language

if TYPE_CHECKING:
    from db.specs import Finding

_chosen: Language = "en"


def choose(*wanted: str) -> None:
    """Take the first of these that there is; English where there is none."""
    global _chosen
    _chosen = next((language for name in wanted for language in LANGUAGES if name == language), "en")


def language() -> Language:
    """The one in use."""
    return _chosen


def asked() -> str:
    """What LEVERPLUS_LANG says: `zh`, also as `zh_CN.UTF-8`; empty where it says nothing."""
    return os.environ.get("LEVERPLUS_LANG", "").replace("-", "_").partition("_")[0].lower()


def shown(text: str) -> str:
    """These words in the language in use; what has no line in the catalogue stays English."""
    return text if _chosen == "en" else Catalogue(_chosen).shown(text)


def said(text: str) -> str:
    """What a finding or a comparison says, in the language in use."""
    return Catalogue(_chosen).said(text)


def finding_words(finding: Finding) -> str:
    """A finding in a sentence; where the sentence itself has no other language, what its code means."""
    say = Catalogue(_chosen)
    return say.said(finding.message) if say.is_known(finding.message) else say.meaning(finding.code) or finding.message
