"""What names a person, beyond what learning keeps out of its data: national numbers that their check digits prove, and
what is announced. Here too much is the safe side: a question that is kept on this machine is still answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from aistack_backend.learning import privacy
from aistack_backend.orchestration.routing import checkdigits as check

Check = Callable[[str], bool]
_L = r"[^\W\d_]"
_STREET = r"(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|square|terrace|crescent)"
_WEG = "straße|strasse|str\\.|gasse|platz|allee|weg|damm|ring|laan|straat"


def _any(_: str) -> bool:
    return True


_SHAPES: tuple[tuple[str, str, Check], ...] = (
    ("email", r"[\w.+\-%']{1,64}@[\w\-]+(?:\.[\w\-]+)*\.[^\W\d_]{2,}", _any),
    ("email", rf"\b[\w.+\-]{{1,64}}\s+at\s+[\w\-]{{2,}}\s+dot\s+{_L}{{2,}}", _any),
    ("iban", r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])", check.iban),
    ("card", r"(?<![\d.])\d(?:[ \-]?\d){12,18}(?![\d.]\d)", check.card),
    ("phone", r"(?<![\w+])(?:\+|00)[1-9]\d{0,2}[ \-./(]{0,3}\d[\d \-./()]{5,18}\d(?!\d)", _any),
    ("national id", r"\b(?:\d{8}|[XYZ]\d{7})[\- ]?[A-Z]\b", check.dni),
    ("national id", r"(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\d)", check.insee),
    ("national id", r"(?<!\d)\d{2} ?\d{3} ?\d{3} ?\d{3}(?!\d)", check.steuer_id),
    ("national id", r"(?<!\d)\d{11}(?!\d)", check.pesel),
    ("national id", r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)", check.cpf),
    ("national id", r"(?<!\d)\d{6}[\-+]\d{4}(?!\d)", check.luhn),
    ("national id", r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", check.codice_fiscale),
    ("national id", r"(?<!\d)[2-9]\d{3}[ \-]\d{4}[ \-]\d{4}(?!\d)", check.aadhaar),
    ("national id", r"\b(?:bsn|burgerservicenummer)\b[^\d\n]{0,20}\d{3}[. ]?\d{3}[. ]?\d{3}\b", check.bsn),
    ("national id", r"\b(?:sin|social insurance)\b[^\d\n]{0,20}\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", check.luhn),
    ("address", rf"\b\d{{1,5}}[A-Za-z]?,? (?:{_L}[\w'.\-]* ){{1,4}}{_STREET}\b(?!\s*(?:to|of)\b)", _any),
    ("address", rf"\b{_L}[\w\-]{{0,40}}(?:{_WEG})\s\d{{1,4}}\s?[a-z]?\b", _any),
    ("address", r"\b(?:home|postal|mailing|billing|shipping|street) address\s*(?:[:=]|is)\s*\S", _any),
    ("name", rf"(?-i:\b(?:[Mm]y name is|[Ii] am called|[Ii]ch heiße)\s+[^\W\d_a-z]{_L}+)", _any),
    (
        "name",
        rf"(?-i:\b(?:[Pp]atient|[Cc]ustomer|[Ee]mployee|[Cc]lient|[Ff]ull[ _]?|[Ll]ast[ _]?|[Ff]irst[ _]?|[Ss]ur)"
        rf"(?:[ _]?[Nn]ame)?[\"']?\s*[:=]\s*[\"']?[^\W\d_a-z]{_L}+)",
        _any,
    ),
    ("name", rf"(?-i:\b[Nn]ame[\"']?\s*[:=]\s*[\"']?[^\W\d_a-z]{_L}+[ ,]+[^\W\d_a-z]{_L}+)", _any),
)
SHAPES = tuple((kind, re.compile(shape, re.IGNORECASE), proven) for kind, shape, proven in _SHAPES)


def kinds(text: str) -> Iterator[str]:
    """Yield the kinds of personal things in a text, each once, as ``email``."""
    seen = dict.fromkeys(one.kind.value for one in privacy.found(text))
    yield from seen
    for kind, shape, proven in SHAPES:
        if kind not in seen and any(proven(found[0]) for found in shape.finditer(text)):
            seen[kind] = None
            yield kind
