"""What names a person, reaches one or pays for one: shapes of texts, with their check digits where they have some."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from aistack_backend.orchestration.routing import checkdigits as check

Check = Callable[[str], bool]
_STREET = r"(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|way|court|ct|square|sq|terrace|crescent)"
_WEG = "straße|strasse|str\\.|gasse|platz|allee|weg|damm|ring|laan|straat"
_RUE = "rue|avenue|boulevard|place|chemin|allée|impasse|via|calle|piazza"
_L = r"[^\W\d_]"
_AT = r"(?:\s*[\[({<]\s*(?:at|ät|@)\s*[\])}>]\s*|\s+at\s+(?=[\w-]{2,}\s+dot\s))"


def _any(_: str) -> bool:
    return True


def _ssn(text: str) -> bool:
    area, group, serial = text.replace(" ", "-").split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _phone(text: str) -> bool:
    return 7 <= len(check.digits(text)) <= 15


_SHAPES: tuple[tuple[str, str, Check], ...] = (
    ("e-mail", r"[\w.+\-%']{1,64}@[\w\-]+(?:\.[\w\-]+)*\.[^\W\d_]{2,}", _any),
    ("e-mail", rf"[\w.+\-]{{1,64}}{_AT}[\w\-]{{2,}}(?:\.|\s*[\[(]?\s*dot\s*[\])]?\s*){_L}{{2,}}", _any),
    ("phone", r"(?<![\w+])(?:\+|00)[1-9]\d{0,2}[ \-./(]{0,3}\d[\d \-./()]{5,18}\d(?!\d)", _phone),
    ("phone", r"(?<![\d.\-])\(?[2-9]\d{2}\)?[ .\-]\d{3}[ .\-]\d{4}(?![\d.\-])", _any),
    ("phone", r"(?<![\d.\-])0\d{1,4}(?:[ /\-]\d{2,8}){1,4}(?![\d.\-])", lambda text: len(check.digits(text)) >= 9),
    (
        "phone",
        r"\b(?:tel|phone|mobile|cell|fax|telefon|handy|call (?:me|him|her|us)|whatsapp)\b"
        r"[^\d+\n]{0,20}\+?\d[\d \-./()]{5,18}\d",
        _phone,
    ),
    ("IBAN", r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])", check.iban),
    ("card", r"(?<![\d.])\d(?:[ \-]?\d){12,18}(?![\d.]\d)", check.card),
    ("national id", r"(?<![\d\-])\d{3}[\- ]\d{2}[\- ]\d{4}(?![\d\-])", _ssn),
    ("national id", r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", _any),
    ("national id", r"\b(?:\d{8}|[XYZ]\d{7})[\- ]?[A-Z]\b", check.dni),
    ("national id", r"(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\d)", check.insee),
    ("national id", r"(?<!\d)\d{2} ?\d{3} ?\d{3} ?\d{3}(?!\d)", check.steuer_id),
    ("national id", r"(?<!\d)756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}(?!\d)", check.ahv),
    ("national id", r"(?<!\d)\d{11}(?!\d)", check.pesel),
    ("national id", r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)", check.cpf),
    ("national id", r"(?<!\d)\d{6}[\-+]\d{4}(?!\d)", check.luhn),
    ("national id", r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", check.codice_fiscale),
    ("national id", r"(?<!\d)[2-9]\d{3}[ \-]\d{4}[ \-]\d{4}(?!\d)", check.aadhaar),
    ("national id", r"\b(?:bsn|burgerservicenummer)\b[^\d\n]{0,20}\d{3}[. ]?\d{3}[. ]?\d{3}\b", check.bsn),
    ("national id", r"\b(?:sin|social insurance)\b[^\d\n]{0,20}\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", check.luhn),
    (
        "national id",
        r"\b(?:passport|passeport|reisepass|id card|identity card|driver'?s? licen[cs]e|personalausweis|ssn|nhs)\b"
        r"(?:\s*(?:no|nr|number|nummer|is)\b\.?)*[^\w\n]{0,5}(?=[A-Z0-9 ]*\d)[A-Z0-9](?:[ ]?[A-Z0-9]){5,14}\b",
        _any,
    ),
    ("birth date", r"\b(?:born(?: on)?|date of birth|dob|birth ?(?:date|day)|geboren(?: am)?)\b[^\d\n]{0,20}\d", _any),
    ("address", rf"\b\d{{1,5}}[A-Za-z]?,? (?:{_L}[\w'.\-]* ){{1,4}}{_STREET}\b(?!\s*(?:to|of)\b)", _any),
    ("address", rf"\b{_L}[\w\-]*(?:{_WEG})\s\d{{1,4}}\s?[a-z]?\b", _any),
    ("address", rf"\b\d{{1,4}}(?: ?(?:bis|ter))?,? (?:{_RUE})\s\w", _any),
    ("address", r"\b(?:rue|via|calle|piazza|viale|avenida)\s(?:\w+\s){0,4}\w+,? \d{1,4}\b", _any),
    ("address", r"\bp\.? ?o\.? box \d+|\bpostfach \d+", _any),
    ("address", r"\b(?:home|postal|mailing|billing|shipping|street) address\s*(?:[:=]|is)\s*\S", _any),
    (
        "name",
        rf"(?-i:\b(?:[Mm]y name is|[Ii] am called|[Ii]ch heiße|[Jj]e m'appelle|[Mm]e llamo)\s+[^\W\d_a-z]{_L}+)",
        _any,
    ),
    ("name", r"(?-i:\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|Monsieur|Señor|Señora)\.? [^\W\d_a-z][^\W\d_]+)", _any),
    (
        "name",
        rf"(?-i:\b(?:[Pp]atient|[Cc]ustomer|[Ee]mployee|[Cc]lient|[Ff]ull[ _]?|[Ll]ast[ _]?|[Ff]irst[ _]?|[Ss]ur)"
        rf"(?:[ _]?[Nn]ame)?[\"']?\s*[:=]\s*[\"']?[^\W\d_a-z]{_L}+)",
        _any,
    ),
    ("name", rf"(?-i:\b[Nn]ame[\"']?\s*[:=]\s*[\"']?[^\W\d_a-z]{_L}+[ ,]+[^\W\d_a-z]{_L}+)", _any),
)  # fmt: skip
SHAPES = tuple((kind, re.compile(shape, re.IGNORECASE), proven) for kind, shape, proven in _SHAPES)


def kinds(text: str) -> Iterator[str]:
    """Yield the kinds of personal things in a text, each once, as ``e-mail``."""
    seen: set[str] = set()
    for kind, shape, proven in SHAPES:
        if kind not in seen and any(proven(found[0]) for found in shape.finditer(text)):
            seen.add(kind)
            yield kind
