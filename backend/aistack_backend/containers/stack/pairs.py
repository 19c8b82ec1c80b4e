"""``NAME: value`` mappings and ``NAME=value`` lists: environment, labels, build arguments, further hosts."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from aistack_backend.containers.stack.interpolate import read_env_file
from aistack_backend.containers.stack.place import Place

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
OURS = "io.aistack."
Pairs = tuple[tuple[str, str], ...]


def pairs(place: Place, split: str = "=") -> dict[str, tuple[Place, str | None]]:
    """Return name to place and value; a value of None is one that was not written.

    Raises:
        ManifestError: neither form, a value that is no text, or a name twice.
    """
    if isinstance(place.value, dict):
        return {name: (at, None if at.value is None else at.text()) for name, at in place.items()}
    found: dict[str, tuple[Place, str | None]] = {}
    for entry in place.entries():
        name, given, value = entry.text().partition(split)
        if name in found:
            raise entry.fault(f"gives {name} again.")
        found[name] = (entry, value if given else None)
    return found


def labels(place: Place) -> Pairs:
    """Return the labels of a service, volume or network.

    Raises:
        ManifestError: see ``pairs``; or a label of ours.
    """
    at = place.get("labels")
    found = pairs(at) if at else {}
    for name, (where, _) in found.items():
        if name.startswith(OURS):
            raise where.fault(f"sets the label {name}; what begins with {OURS} is set by the console itself.")
    return tuple((name, value or "") for name, (_, value) in found.items())


def environment(place: Place, folder: Path, env: Mapping[str, str]) -> Pairs:
    """Return the variables of a service: those of ``env_file``, and ``environment`` over them. A name without a value
    takes it from ``env``, and is left out where that has none, as Compose says.

    Raises:
        ManifestError: see ``pairs``; or an env file that cannot be read.
    """
    found = _env_files(place, folder, env)
    at = place.get("environment")
    for name, (where, value) in (pairs(at) if at else {}).items():
        if not VARIABLE.fullmatch(name):
            raise where.fault(f"sets {name!r}, which is no name of a variable.")
        if value is not None:
            found[name] = value
        elif name in env:
            found[name] = env[name]
    return tuple(found.items())


def arguments(place: Place, env: Mapping[str, str]) -> Pairs:
    """Return the ``args`` of a build; one without a value must be in ``env``.

    Raises:
        ManifestError: see ``pairs``; or a value that is nowhere.
    """
    found = []
    for name, (where, value) in pairs(place).items():
        if value is None and name not in env:
            raise where.fault(f"gives no value for {name}, and no variable of that name is set.")
        found.append((name, env[name] if value is None else value))
    return tuple(found)


def hosts(place: Place) -> Pairs:
    """Return further host names with their addresses.

    Raises:
        ManifestError: an entry that is not NAME=ADDRESS.
    """
    plain = isinstance(place.value, list) and not any("=" in str(item) for item in place.value)
    found = []
    for name, (where, value) in pairs(place, ":" if plain else "=").items():
        address = (value or "").strip("[]")
        if address != "host-gateway" and not _is_address(address):
            raise where.fault(f"gives {name} the address {address!r}; an IP address or host-gateway would be right.")
        found.append((name, address))
    return tuple(found)


def words(place: Place) -> tuple[str, ...]:
    """Return a command: a list as it is, a text split as a shell splits it.

    Raises:
        ManifestError: an open quote, or something that is no text.
    """
    if isinstance(place.value, list):
        return place.texts()
    try:
        return tuple(shlex.split(place.text()))
    except ValueError as error:
        raise place.fault(f"cannot be split into words: {error}.") from None


def _env_files(place: Place, folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    at = place.get("env_file")
    found: dict[str, str] = {}
    for entry in _one_or_more(at) if at else ():
        path, required = entry, True
        if isinstance(entry.value, dict):
            entry.mapping({"path", "required"}, {"format": ""})
            if (named := entry.get("path")) is None:
                raise entry.fault("needs path.")
            path, wish = named, entry.get("required")
            required = wish is None or wish.flag()
        file = (folder / path.text()).resolve()
        if required or file.is_file():
            found |= read_env_file(file, env, path.fault)
    return found


def _one_or_more(place: Place) -> Iterable[Place]:
    return place.entries() if isinstance(place.value, list) else (place,)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
