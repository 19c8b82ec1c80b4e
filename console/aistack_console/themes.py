"""Themes and glyph sets from TOML files, built in and the operator's own; a bad file is told, never fatal."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

DEFAULT = "dusk"
"""The theme that is used when the one asked for is not there."""
LAST_RESORT = "textual-dark"
"""Textual's own, for the day when not one of ours can be read."""

MUTED = 0.66
"""How much of the foreground is left in quiet text."""

_COLOURS = (
    "primary secondary warning error success accent foreground background surface panel boost".split()  # noqa: SIM905
)
_KEYS = {"kind", "name", "title", "dark", "colourless", "colours", "variables"}


class ThemeFault(ValueError):
    """A theme file that cannot be used; the sentence names the file, the key and what would be right."""


@dataclass(frozen=True, slots=True)
class Look:
    """One theme as loaded."""

    theme: Theme
    title: str
    colourless: bool = False
    """Paints without any colour, as NO_COLOR does."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Everything that was found, and what could not be used."""

    themes: Mapping[str, Look] = field(default_factory=dict)
    ascii_glyphs: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def choose(self, name: str) -> tuple[Look | None, str]:
        """Return the theme of that name, or the fallback and one sentence that says so; ``""`` = as asked.

        None stands for Textual's own ``textual-dark``, when no theme of ours could be read.
        """
        if name in self.themes:
            return self.themes[name], ""
        fallback = self.themes.get(DEFAULT)
        known = ", ".join(sorted(self.themes)) or "none"
        used = DEFAULT if fallback else LAST_RESORT
        return fallback, f"There is no theme {name!r} (known: {known}); {used} is used."

    def report(self) -> str:
        """Return one text that tells every file that could not be used; empty = none."""
        if not self.faults:
            return ""
        return f"{len(self.faults)} theme file(s) could not be used:\n" + "\n".join(self.faults)


def builtin_folder() -> Path:
    """Return the folder of the themes that come with the program: in the wheel, else in the checkout."""
    packed = Path(__file__).parent / "_assets" / "themes"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "themes"


def load_looks(folders: Iterable[Path]) -> Looks:
    """Read every ``*.toml`` of the folders in order; a later theme replaces an earlier one of its name."""
    themes: dict[str, Look] = {}
    glyphs: dict[str, str] = {}
    faults: list[str] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            if data.get("kind", "theme") == "glyphs":
                glyphs |= _read_glyphs(data)
            else:
                look = read_theme(data)
                themes[look.theme.name] = look
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ThemeFault) as error:
            faults.append(f"{path}: {error}")
    return Looks(themes=themes, ascii_glyphs=glyphs, faults=tuple(faults))


def read_theme(data: Mapping[str, Any]) -> Look:
    """Return the theme that this TOML table declares.

    Raises:
        ThemeFault: a key is missing, unknown or of the wrong kind, or a colour cannot be read.
    """
    if odd := sorted(set(data) - _KEYS):
        raise ThemeFault(f"the key {odd[0]!r} is not known; known are {', '.join(sorted(_KEYS))}")
    name = _word(data, "name")
    colours = _colours(_table(data, "colours"))
    variables = {"text-muted": _muted(colours)} | {key: str(value) for key, value in _table(data, "variables").items()}
    try:
        theme = Theme(name=name, dark=_flag(data, "dark", True), variables=variables, **colours)
        theme.to_color_system().generate()
    except (ColorParseError, ValueError) as error:
        raise ThemeFault(f"the colours do not make a theme: {error}") from error
    return Look(theme, str(data.get("title", name)), _flag(data, "colourless", False))


def _muted(colours: Mapping[str, str]) -> str:
    """Return a quieter foreground, opaque: Textual's own has an alpha, which painted lines cannot show."""
    ground = Color.parse(colours.get("background", "#000000"))
    return ground.blend(Color.parse(colours.get("foreground", "#ffffff")), MUTED, 1.0).hex


def _word(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise ThemeFault(f"the key {key!r} must be a text such as 'dusk'")
    return value


def _flag(data: Mapping[str, Any], key: str, default: bool) -> bool:
    value = data.get(key, default)
    if not isinstance(value, bool):
        raise ThemeFault(f"the key {key!r} must be true or false, not {value!r}")
    return value


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise ThemeFault(f"the key {key!r} must be a table, not {value!r}")
    return value


def _colours(table: Mapping[str, Any]) -> dict[str, Any]:
    if odd := sorted(set(table) - set(_COLOURS)):
        raise ThemeFault(f"the colour {odd[0]!r} is not known; known are {', '.join(_COLOURS)}")
    if "primary" not in table:
        raise ThemeFault("the table 'colours' needs at least 'primary', e.g. primary = '#88c0d0'")
    for key, value in table.items():
        try:
            Color.parse(value)
        except (ColorParseError, TypeError, AttributeError) as error:
            raise ThemeFault(f"the colour {key} = {value!r} cannot be read; '#rrggbb' would be right") from error
    return dict(table)


def _read_glyphs(data: Mapping[str, Any]) -> dict[str, str]:
    table = _table(data, "glyphs")
    out: dict[str, str] = {}
    for glyphs, stand_in in table.items():
        if not isinstance(stand_in, str) or len(stand_in) != 1 or not (stand_in.isascii() and stand_in.isprintable()):
            raise ThemeFault(f"the stand-in for {glyphs!r} must be one ASCII character, not {stand_in!r}")
        out |= dict.fromkeys(glyphs, stand_in)
    return out
