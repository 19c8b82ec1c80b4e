"""A question by its words: what is the same, how alike two texts are, and whether two answers say the same."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 400
"""Words of a text that count."""
AGREE = 0.6
"""From which share of common words on two answers say the same."""
_WORD = re.compile(r"\w+(?:[.+#/_-]+\w+)*[+#]*")
NEGATIONS = frozenset(("not", "no", "never", "none", "cannot", "without", "nicht", "kein", "keine", "ohne"))
OPPOSITES = frozenset(
    (
        *("before", "after", "first", "last", "min", "max", "minimum", "maximum", "most", "least"),
        *("enable", "disable", "enabled", "disabled", "start", "stop", "install", "uninstall", "add", "remove"),
        *("delete", "create", "allow", "deny", "open", "close", "lock", "unlock", "mount", "unmount", "push", "pull"),
        *("upload", "download", "encrypt", "decrypt", "increase", "decrease", "upgrade", "downgrade", "connect"),
        *("disconnect", "import", "export", "backup", "restore"),
    )
)
"""Words that a model of vectors takes for nearly the same."""
_FILLERS = frozenset(
    [
        "please",
        "kindly",
        "hey",
        "hi",
        "hello",
        "can",
        "you",
        "could",
        "would",
        "tell",
        "me",
        "just",
        "now",
        "a",
        "an",
        "the",
    ]
)


@lru_cache(maxsize=20_000)
def key(text: str) -> str:
    """Return the words of a text in their order, without case, accents, punctuation and courtesies.

    Words that make the difference (``not``, numbers, versions, signs as in ``C++``) stay. Empty = no word at all.
    """
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(one for one in folded if not unicodedata.combining(one))
    words = _WORD.findall(bare)[:LONGEST]
    return " ".join([word for word in words if word not in _FILLERS] or words)


@lru_cache(maxsize=20_000)
def words(text: str) -> frozenset[str]:
    """Return the different words of a text."""
    return frozenset(key(text).split())


def overlap(one: str, other: str) -> float:
    """Return the share of words that two texts have in common, 0 to 1 (Jaccard)."""
    mine, theirs = words(one), words(other)
    both = len(mine | theirs)
    return len(mine & theirs) / both if both else 0.0


def agree(one: str, other: str) -> bool:
    """Tell whether two answers say the same: the same words, or most of them, with the same numbers and negations."""
    if key(one) == key(other):
        return True
    return overlap(one, other) >= AGREE and firm(one) == firm(other)


@lru_cache(maxsize=20_000)
def deciding(text: str) -> frozenset[str]:
    """Return the words of a question of which one makes another question: what ``firm`` is, and opposites."""
    return firm(text) | (words(text) & OPPOSITES)


@lru_cache(maxsize=20_000)
def firm(text: str) -> frozenset[str]:
    """Return the words of which one changes everything: negations, and words with a digit."""
    return frozenset(one for one in words(text) if one in NEGATIONS or any(sign.isdigit() for sign in one))
