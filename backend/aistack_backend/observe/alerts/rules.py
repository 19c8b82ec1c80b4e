"""Rules as data: read from TOML, strictly, and held against the catalogue of what is measured."""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aistack_backend
from aistack_backend.errors import BadInput
from aistack_backend.observe.metrics import CATALOGUE, Reading
from aistack_backend.wire.alerts import Severity

FILE = "alerts.toml"
KEYS = ("series", "where", "when", "for", "severity", "about", "off")
SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
LONGEST = 7 * 86_400.0
"""Seconds that a condition may have to hold."""
ABOUT = 200
"""Characters of a rule's sentence."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_WHEN = re.compile(r"(<=|>=|==|!=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One condition over one series."""

    name: str
    series: str
    sign: str
    limit: float
    where: Mapping[str, str] = field(default_factory=dict)
    """Labels that a reading must have."""
    seconds: float = 0.0
    """How long the condition must hold."""
    severity: Severity = Severity.WARNING
    about: str = ""

    def concerns(self, reading: Reading) -> bool:
        """Whether a reading is of this rule's series."""
        return reading.name == self.series and all(reading.labels.get(key) == it for key, it in self.where.items())

    def holds(self, value: float) -> bool:
        """Whether the condition holds for a value."""
        return SIGNS[self.sign](value, self.limit)

    @property
    def condition(self) -> str:
        """The condition in words."""
        where = "".join(f"{{{', '.join(f'{key}={it}' for key, it in self.where.items())}}}") if self.where else ""
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.series}{where} {self.sign} {self.limit:g}{lasting}"


def bundled() -> Path:
    """Return our own rules: the checkout's when this is one, else the installed ones."""
    package = Path(aistack_backend.__file__).parent
    checkout = package.parents[1] / "compose" / FILE
    return checkout if checkout.is_file() else package / "_assets" / "compose" / FILE


def load(*files: Path) -> tuple[Rule, ...]:
    """Return the rules of these files, in their order; a later file's rule takes the place of one of the same name.

    Raises:
        BadInput: a file cannot be read, or a rule in it cannot be; names file, rule and key.
    """
    found: dict[str, Rule | None] = {}
    for file in files:
        for name, table in _parsed(file).items():
            found[name] = _rule(file, name, table)
    return tuple(rule for rule in found.values() if rule is not None)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"The rules of alarms {file} cannot be read: {error}.", "See docs/observing.md.") from error


def _rule(file: Path, name: str, table: Any) -> Rule | None:
    """Return a rule; None for one that is switched off."""
    wrong = _Wrong(file, name)
    if not _NAME.fullmatch(name) or not isinstance(table, dict):
        raise wrong("", "must be a section, named with up to 64 letters and digits.")
    if strange := next((key for key in table if key not in KEYS), ""):
        raise wrong(strange, f"is no key of a rule; there are {', '.join(KEYS)}.")
    if table.get("off") is True:
        return None
    series, when = str(table.get("series")), _WHEN.fullmatch(str(table.get("when", "")).strip())
    if series not in CATALOGUE:
        raise wrong("series", "must be a name that is measured; GET /metrics lists them.")
    if when is None:
        raise wrong("when", 'must be a comparison with a number, e.g. "> 0.95".')
    return Rule(
        name=name,
        series=series,
        sign=when[1],
        limit=float(when[2]),
        where=_where(table.get("where", {}), CATALOGUE[series].labels, wrong),
        seconds=_seconds(table.get("for", 0), wrong),
        **_words(table, wrong),
    )


class _Wrong:
    """Makes the error of one rule's key."""

    def __init__(self, file: Path, name: str) -> None:
        self._at = f"{file}: {name}"

    def __call__(self, key: str, right: str) -> BadInput:
        return BadInput(f"{self._at}{f'.{key}' if key else ''} {right}", "See docs/observing.md.")


def _seconds(given: Any, wrong: _Wrong) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= LONGEST:
        raise wrong("for", f"must be 0 to {LONGEST:.0f} seconds.")
    return float(given)


def _where(given: Any, known: tuple[str, ...], wrong: _Wrong) -> Mapping[str, str]:
    if not isinstance(given, dict) or not all(key in known and isinstance(it, str) for key, it in given.items()):
        raise wrong("where", f"must name labels of its series with text: {', '.join(known) or 'it has none'}.")
    return given


def _words(table: Mapping[str, Any], wrong: _Wrong) -> dict[str, Any]:
    severity, about = Severity(str(table.get("severity", "warning"))), table.get("about", "")
    if severity is Severity.UNKNOWN:
        raise wrong("severity", "must be info, warning or critical.")
    if not isinstance(about, str) or not 1 <= len(about) <= ABOUT or not about.isprintable():
        raise wrong("about", f"must be one sentence of at most {ABOUT} characters.")
    return {"severity": severity, "about": about}
