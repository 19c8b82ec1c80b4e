"""Read the one configuration file and the environment; every error says where and what would be right."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, fields
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from aistack_backend.wire import hosts, operatorkey, providerconfig
from aistack_backend.wire.config import Config, ConfigError, Loaded, Row

FREE = ("keys", "hosts", "operators", "personas", "providers")
"""Sections whose keys the person names."""
SECTIONS = {field.name: field.default_factory for field in fields(Config) if field.name not in FREE}
PERSONA = 4_000
"""Characters of what a persona is told."""
TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")


def load(path: Path, env: Mapping[str, str]) -> Loaded:
    """Return the configuration: defaults, then the file (which may be missing), then the environment.

    Raises:
        ConfigError: unknown section or key, a value of the wrong kind, or a file that is no TOML.
    """
    text, document = _parse(path)
    place = _Places(path, text)
    _check_sections(document, place)
    rows: list[Row] = []
    sections: dict[str, Any] = {}
    for name, make in SECTIONS.items():
        sections[name] = _section(name, make, document.get(name, {}), place, env, rows)
    keys = _keys(document.get("keys", {}), place, rows)
    home = Path(env.get("HOME", "/"))
    others = tuple(_host(name, table, place, home, rows) for name, table in document.get("hosts", {}).items())
    named = _operators(document.get("operators", {}), place, rows)
    told = _personas(document.get("personas", {}), place, rows)
    far = tuple(_provider(name, table, place, home, rows) for name, table in _exact(text).items())
    config = Config(**sections, keys=keys, hosts=others, operators=named, personas=told, providers=far)
    return Loaded(config=config, rows=tuple(rows), file=str(path))


class _Places:
    """Finds the line of a section or key in the text, for error messages."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._lines = text.splitlines()

    def of(self, section: str, key: str = "") -> str:
        """Return ``FILE:LINE``, or the file alone where the line cannot be told."""
        inside = ""
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[+\s*\"?([^\]\"]+?)\"?\s*\]+", line):
                inside = header.group(1)
                if inside == section and not key:
                    return f"{self.path}:{number}"
            elif self._names(line, inside, section, key):
                return f"{self.path}:{number}"
        return str(self.path)

    def _names(self, line: str, inside: str, section: str, key: str) -> bool:
        found = re.match(r"\s*\"?([A-Za-z0-9_.\-]+)\"?\s*=", line)
        if not found:
            return False
        name = f"{inside}.{found.group(1)}" if inside else found.group(1)
        return name == f"{section}.{key}" if key else name.split(".")[0] == section


def _parse(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "", {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error}.") from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The configuration file {path} is not TOML: {error}.") from error


def _check_sections(document: dict[str, Any], place: _Places) -> None:
    known = (*SECTIONS, *FREE)
    for name, value in document.items():
        if name not in known:
            raise ConfigError(f"{place.of(name)}: there is no section [{name}]{_nearest(name, known)}")
        if not isinstance(value, dict):
            raise ConfigError(f"{place.of(name)}: {name} must be a section, written [{name}] on its own line.")


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}."


def _section(
    name: str, make: Any, table: dict[str, Any], place: _Places, env: Mapping[str, str], rows: list[Row]
) -> Any:
    declared: tuple[Field[Any], ...] = fields(make)
    names = tuple(field.name for field in declared)
    for key in table:
        if key not in names:
            raise ConfigError(f"{place.of(name, key)}: there is no key {name}.{key}{_nearest(key, names)}")
    values: dict[str, Any] = {}
    for field in declared:
        value, source = field.default, "default"
        if field.name in table:
            source = place.of(name, field.name)
            value = _checked(table[field.name], field, f"{source}: {name}.{field.name}")
        for variable in (field.metadata["env"], f"AISTACK_{name}_{field.name}".upper()):
            if variable and env.get(variable, "") != "":
                value, source = _from_text(env[variable], field, f"${variable}"), f"${variable}"
        values[field.name] = value
        rows.append(Row(key=f"{name}.{field.name}", value=_shown(value), source=source, doc=field.metadata["doc"]))
    return make(**values)


def _keys(table: dict[str, Any], place: _Places, rows: list[Row]) -> dict[str, str]:
    for action, key in table.items():
        where = place.of("keys", action)
        if not isinstance(key, str):
            raise ConfigError(f'{where}: keys.{action} must be text, e.g. "ctrl+r", not {_shown(key)}.')
        rows.append(Row(key=f"keys.{action}", value=key, source=where))
    return dict(table)


def _operators(table: dict[str, Any], place: _Places, rows: list[Row]) -> dict[str, str]:
    for name, digest in table.items():
        where = place.of("operators", name)
        if not operatorkey.NAME.fullmatch(name):
            raise ConfigError(f"{where}: operators.{name} must be 1 to 32 of a-z, 0-9 and -, beginning with a letter.")
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ConfigError(
                f"{where}: operators.{name} must be the 64 hex digits that aistack-backend operator tells."
            )
        rows.append(Row(key=f"operators.{name}", value=f"{digest[:8]}…", source=where))
    return dict(table)


def _personas(table: dict[str, Any], place: _Places, rows: list[Row]) -> dict[str, str]:
    for name, told in table.items():
        where = place.of("personas", name)
        if not operatorkey.NAME.fullmatch(name):
            raise ConfigError(f"{where}: personas.{name} must be 1 to 32 of a-z, 0-9 and -, beginning with a letter.")
        if not isinstance(told, str) or not 1 <= len(told.strip()) <= PERSONA:
            raise ConfigError(f"{where}: personas.{name} must be text of 1 to {PERSONA} characters, what it is told.")
        rows.append(Row(key=f"personas.{name}", value=told, source=where))
    return dict(table)


def _host(name: str, table: Any, place: _Places, home: Path, rows: list[Row]) -> hosts.HostConfig:
    section = f"hosts.{name}"
    if not isinstance(table, dict):
        raise ConfigError(f"{place.of('hosts', name)}: {section} must be a section, written [{section}].")
    for key, value in table.items():
        where = place.of(section, key)
        if key not in hosts.DOC:
            raise ConfigError(f"{where}: there is no key {section}.{key}{_nearest(key, tuple(hosts.DOC))}")
        if not isinstance(value, str):
            raise ConfigError(f"{where}: {section}.{key} must be text, not {_shown(value)}.")
        rows.append(Row(key=f"{section}.{key}", value=value, source=where, doc=hosts.DOC[key]))
    try:
        return hosts.host(name, table, home)
    except hosts.HostError as error:
        where = place.of(section, error.key if error.key in table else "")
        raise ConfigError(f"{where}: {'.'.join(filter(None, (section, error.key)))} {error}") from error


def _exact(text: str) -> dict[str, Any]:
    """Return the providers with their fractions as they are written: a price is never a float."""
    found: dict[str, Any] = tomllib.loads(text, parse_float=Decimal).get("providers", {})
    return found


def _provider(name: str, table: Any, place: _Places, home: Path, rows: list[Row]) -> providerconfig.ProviderConfig:
    section, known = f"providers.{name}", tuple(providerconfig.DOC)
    if not isinstance(table, dict):
        raise ConfigError(f"{place.of('providers', name)}: {section} must be a section, written [{section}].")
    for key, value in table.items():
        where = place.of(section, key)
        if key.lower().replace("-", "_") in providerconfig.KEYS_INLINE:
            raise ConfigError(f"{where}: {section}.{key}: a key does not stand here; name its file as key_file.")
        if key not in known:
            raise ConfigError(f"{where}: there is no key {section}.{key}{_nearest(key, known)}")
        rows.append(Row(key=f"{section}.{key}", value=_shown(value), source=where, doc=providerconfig.DOC[key]))
    try:
        return providerconfig.provider(name, table, home)
    except providerconfig.ProviderError as error:
        where = place.of(section, error.key if error.key in table else "")
        raise ConfigError(f"{where}: {'.'.join(filter(None, (section, error.key)))} {error}") from error


def _from_text(text: str, field: Field[Any], where: str) -> Any:
    value: Any = text
    if isinstance(field.default, bool):
        lowered = text.strip().lower()
        if lowered not in TRUE + FALSE:
            raise ConfigError(f"{where} must be true or false, not {text!r}.")
        value = lowered in TRUE
    elif isinstance(field.default, int | float):
        try:
            value = type(field.default)(text)
        except ValueError:
            raise ConfigError(f"{where} must be {_kind(field)}, not {text!r}.") from None
    return _checked(value, field, where)


def _checked(value: Any, field: Field[Any], where: str) -> Any:
    wanted = type(field.default)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise ConfigError(f"{where} must be {_kind(field)}, not {_shown(value)}.")
    choices = field.metadata["choices"]
    if choices and value not in choices:
        raise ConfigError(f"{where} must be one of {', '.join(choices)}, not {value!r}.")
    least, most = field.metadata["least"], field.metadata["most"]
    if least is not None and not least <= value <= most:
        raise ConfigError(f"{where} must be between {least:g} and {most:g}, not {value:g}.")
    return value


def _kind(field: Field[Any]) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[type(field.default)]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
