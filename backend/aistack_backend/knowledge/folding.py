"""A text as the words that it is found by: as FTS5's ``unicode61 remove_diacritics 2`` takes it apart."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 64
"""Characters of a word; what is longer is found by its beginning."""
_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("(?<=[\x00-\u024f])[\u0300-\u036f]+")
"""Those of Latin letters: elsewhere a mark makes another letter, as in и and й."""


def words(text: str) -> list[str]:
    """Return the words in their order: letters and digits, in small letters; Latin ones without accents."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    return [one[:LONGEST] for one in _WORD.findall(text.lower())]
