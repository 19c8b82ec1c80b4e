"""Personal data in a text: what can be told by its form, each find with its kind; and the text without it.

A form is only taken where it proves itself (a check digit) or is announced (``my name is``), so that versions, ports,
ids and times of machines stay. What has no form, such as a bare name in a sentence, is not found: hence the review.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 64_000
"""Characters that are looked at; a longer text is cut for the search, and its rest is never clean."""


class Personal(StrEnum):
    """What was found."""

    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    CARD = "card"
    NATIONAL_ID = "national id"
    ADDRESS = "address"
    NETWORK = "network address"
    BIRTH = "date of birth"
    NAME = "name"
    DOCUMENT = "document number"
    PLACE = "coordinates"


@dataclass(frozen=True, slots=True)
class Find:
    """One piece of personal data: the characters ``start`` to ``end``."""

    kind: Personal
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clean:
    """A text without what was found in it."""

    text: str
    finds: tuple[Find, ...]


_WORD = r"[^\W\d_][\w'’.-]*"
_NAME = r"(?-i:[A-ZÀ-ÖØ-Þ][\w'’-]+(?:\s+(?:(?:de|van|von|der|la|del|da|di|bin|al)\s+)*[A-ZÀ-ÖØ-Þ][\w'’.-]*){0,3})"
_STREET = (
    r"(?:street|st\.|road|rd\.?|avenue|ave\.?|lane|ln\.?|drive|dr\.|boulevard|blvd\.?|square|court|terrace|place|way|"
    r"highway)"
)
_GERMAN = r"[A-ZÄÖÜ][a-zäöüß-]*(?:strasse|straße|str\.|gasse|weg|platz|allee)"
_ROMANCE = r"(?:rue|avenue|boulevard|via|viale|piazza|calle|avenida|rua)\s+(?:(?:de|du|des|la|le|del|della|d')\s*)*"


def _luhn(text: str) -> bool:
    digits = [int(one) for one in text if one.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [one if at % 2 == 0 else one * 2 - 9 * (one > 4) for at, one in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _iban(text: str) -> bool:
    joined = re.sub(r"[\s-]", "", text).upper()
    if not 15 <= len(joined) <= 34:
        return False
    turned = joined[4:] + joined[:4]
    return int("".join(str(int(one, 36)) for one in turned)) % 97 == 1


def _ahv(text: str) -> bool:
    digits = [int(one) for one in text if one.isdigit()]
    if len(digits) != 13:
        return False
    total = sum(one * (3 if at % 2 else 1) for at, one in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == digits[12]


def _phone(text: str) -> bool:
    return 7 <= sum(one.isdigit() for one in text) <= 15


def _public(text: str) -> bool:
    try:
        return ipaddress.ip_address(text.strip("[]")).is_global
    except ValueError:
        return False


def _always(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _Form:
    kind: Personal
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = _always


def _form(kind: Personal, pattern: str, holds: Callable[[str], bool] = _always, flags: int = re.IGNORECASE) -> _Form:
    return _Form(kind, re.compile(pattern, flags), holds)


_FORMS = (
    _form(
        Personal.EMAIL,
        r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|\s?[\[(]at[\])]\s?)[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,24}",
    ),
    _form(Personal.IBAN, r"\b[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{1,4}){3,9}\b", _iban),
    _form(Personal.CARD, r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.-]*\d)", _luhn),
    _form(Personal.NATIONAL_ID, r"(?<![\d.])756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}(?!\d)", _ahv),
    _form(Personal.NATIONAL_ID, r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
    _form(
        Personal.NATIONAL_ID,
        r"\b(?:(?:social security|national insurance|national|insurance|tax|health)\s+(?:number|no\.?|id)|ssn|nino|"
        r"steuer-?id|personalausweis\w*|codice fiscale|dni|aadhaar|cpf|bsn|pesel)\b[^\w\n]{0,4}(?:is|ist|number|no\.?)?"
        r"[\s:#]*(?P<it>[a-z]{0,6}\s?\d[\w .-]{4,20}\w)",
    ),
    _form(Personal.NATIONAL_ID, r"\b(?-i:[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])\b"),
    _form(
        Personal.NATIONAL_ID,
        r"\b(?-i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D])\b",
    ),
    _form(
        Personal.DOCUMENT,
        r"\b(?:passport|driv(?:er'?s|ing) licen[cs]e|licen[cs]e plate|number plate|identity card|id card|patient|"
        r"medical record|insurance policy|account|customer|employee|reisepass|führerschein|kennzeichen)"
        r"(?:\s+(?:number|no\.?|id|nr\.?))?\s*(?:is|ist|:|#|=)?\s*(?P<it>(?=[\w-]*\d[\w-]*\d)[a-z0-9][\w-]{4,20})",
    ),
    _form(Personal.PHONE, r"(?<![\w.])(?:\+|00)[1-9](?:[\s./()-]{0,2}\d){6,14}(?!\d)", _phone),
    _form(Personal.PHONE, r"(?<![\w.-])\(?0\d{1,4}\)?[\s/-]\d{2,4}(?:[\s-]?\d{2,4}){1,3}(?![.-]?\d)", _phone),
    _form(Personal.PHONE, r"(?<![\w.-])(?:1[ -])?\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[ .-]\d{4}(?![.-]?\d)", _phone),
    _form(
        Personal.PHONE,
        r"\b(?:phone|telephone|tel\.?|mobile|cell|fax|handy|call me (?:at|on)|text me (?:at|on)|whatsapp)\b"
        r"[^\d\n+]{0,14}(?P<it>\+?\d(?:[\s./()-]{0,2}\d){5,14})",
        _phone,
    ),
    _form(Personal.NETWORK, r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)", _public),
    _form(Personal.NETWORK, r"(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,7}(?![\w:])", _public),
    _form(
        Personal.BIRTH,
        r"\b(?:born(?:\s+(?:on|in))?|birth\s?(?:day|date)|date of birth|d\.?o\.?b\.?|geboren(?:\s+am)?|geburtsdatum)"
        r"[\s:]*(?:is|was|ist|on|am)?\s*(?P<it>\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|"
        r"\d{1,2}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?[^\W\d_]{3,10}\.?,?\s+\d{4}|[^\W\d_]{3,10}\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4})",
    ),
    _form(
        Personal.NAME,
        rf"\b(?:my (?:full |real |own )?name is|my name's|i am called|ich heisse|ich heiße|mein name ist|"
        rf"je m'appelle|me llamo|mi chiamo|(?:full |first |last |patient |customer )?name\s*:)\s*(?P<it>{_NAME})",
    ),
    _form(Personal.NAME, rf"\b(?-i:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Madame|Monsieur|Señora?|Sir)\.?\s+(?P<it>{_NAME})"),
    _form(
        Personal.NAME,
        rf"\b(?:my|our) (?:wife|husband|son|daughter|mother|father|brother|sister|boss|colleague|neighbou?r|patient|"
        rf"client|friend|landlord|doctor),?\s+(?P<it>{_NAME})",
    ),
    _form(Personal.ADDRESS, rf"\b\d{{1,5}}[a-z]?\s+(?:{_WORD}\s+){{1,4}}?{_STREET}(?=\W|$)"),
    _form(Personal.ADDRESS, rf"\b(?-i:{_GERMAN})\s*\d{{1,4}}\s?[a-z]?\b(?:,?\s*\d{{4,5}}\s+{_WORD})?"),
    _form(
        Personal.ADDRESS,
        rf"\b(?:\d{{1,4}},?\s+)?{_ROMANCE}(?-i:[A-ZÀ-Þ])[\w'’-]*(?:\s(?-i:[A-ZÀ-Þ])[\w'’-]*){{0,3}},?\s*\d{{1,5}}\b",
    ),
    _form(Personal.ADDRESS, rf"\b\d{{1,4}},?\s+{_ROMANCE}(?-i:[A-ZÀ-Þ])[\w'’-]*"),
    _form(Personal.ADDRESS, r"\b(?-i:P\.?\s?O\.?)\s?Box\s+\d{1,7}\b"),
    _form(Personal.PLACE, r"(?<![\d.])-?\d{1,2}\.\d{4,8}\s*°?\s?[NS]?\s*,\s*-?\d{1,3}\.\d{4,8}\s*°?\s?[EW]?(?![\d.])"),
)


def found(text: str) -> tuple[Find, ...]:
    """Return the personal data in a text, in the order of the text; finds that overlap are one, by the first form."""
    finds: list[Find] = []
    for form in _FORMS:
        for match in form.pattern.finditer(text[:LONGEST]):
            start, end = match.span("it") if "it" in form.pattern.groupindex else match.span()
            end = start + _proven(form, text[start:end])
            if start < end and not any(one.start < end and start < one.end for one in finds):
                finds.append(Find(form.kind, start, end))
    return tuple(sorted(finds, key=lambda one: one.start))


def _proven(form: _Form, text: str) -> int:
    """Return how much of what looks like a form is one: words that only follow it are left off."""
    while text and not form.holds(text):
        text = text[: max(text.rfind(" "), 0)]
    return len(text)


def without(text: str) -> Clean:
    """Return a text in which each piece of personal data is its kind in brackets; what is beyond ``LONGEST`` is cut."""
    finds = found(text)
    pieces, at = [], 0
    for one in finds:
        pieces += [text[at : one.start], f"[{one.kind}]"]
        at = one.end
    return Clean("".join([*pieces, text[at:LONGEST]]), finds)
