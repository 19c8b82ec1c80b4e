"""The top-level tables: volumes, networks and secrets with their full names in Podman."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aistack_backend.containers.stack import schema
from aistack_backend.containers.stack.models import NetworkDecl, SecretDecl, VolumeDecl
from aistack_backend.containers.stack.pairs import labels
from aistack_backend.containers.stack.place import Place

FULL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
GENERATED = ("password", "key", "certificate")
"""What a secret's ``generate`` may be: random letters and digits for a person or for a program; a private key and its
self-signed certificate for localhost in one PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What services may refer to, by the key in the file, and what names and paths begin with."""

    project: str
    folder: Path
    """Relative paths begin here."""
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, VolumeDecl] = field(default_factory=dict)
    networks: Mapping[str, NetworkDecl] = field(default_factory=dict)
    secrets: Mapping[str, SecretDecl] = field(default_factory=dict)


def tables(root: Place, project: str, folder: Path, env: Mapping[str, str]) -> Tables:
    """Read them.

    Raises:
        ManifestError: an entry that is not right.
    """
    return Tables(
        project=project,
        folder=folder,
        env=env,
        volumes={key: _volume(key, place, project) for key, place in _entries(root, "volumes")},
        networks={key: _network(key, place, project) for key, place in _entries(root, "networks")},
        secrets={key: _secret(key, place, project, folder) for key, place in _entries(root, "secrets")},
    )


def full_name(place: Place) -> str:
    """Return a name that Podman takes.

    Raises:
        ManifestError: it is none.
    """
    name = place.text()
    if not FULL.fullmatch(name):
        raise place.fault(f"is {name!r}; a name has letters, digits, _ . and -, and begins with a letter or digit.")
    return name


def _entries(root: Place, table: str) -> Iterator[tuple[str, Place]]:
    place = root.get(table)
    for key, entry in place.items() if place else ():
        if not FULL.fullmatch(key):
            raise entry.fault("is no name: letters, digits, _ . and - are, the first one a letter or digit.")
        yield key, Place(entry.value if entry.value is not None else {}, entry.path, entry.where)


def _name(key: str, place: Place, project: str) -> tuple[str, bool]:
    """Return the full name, and whether somebody else makes it."""
    external, name = place.get("external"), place.get("name")
    if external is not None and isinstance(external.value, dict):
        raise external.fault("must be true or false; its name stands in name, beside it.")
    outside = external is not None and external.flag()
    if name is not None:
        return full_name(name), outside
    return key if outside else f"{project}_{key}", outside


def _driver(place: Place, only: str) -> None:
    driver = place.get("driver")
    if driver is not None and driver.text() != only:
        raise driver.fault(f"is {driver.value!r}; only {only} is supported here.")


def _volume(key: str, place: Place, project: str) -> VolumeDecl:
    place.mapping(schema.VOLUME, schema.TABLE_REFUSED)
    _driver(place, "local")
    name, external = _name(key, place, project)
    return VolumeDecl(name=name, external=external, labels=labels(place))


def _network(key: str, place: Place, project: str) -> NetworkDecl:
    place.mapping(schema.NETWORK, schema.TABLE_REFUSED)
    _driver(place, "bridge")
    name, external = _name(key, place, project)
    internal = place.get("internal")
    return NetworkDecl(
        name=name, external=external, internal=internal is not None and internal.flag(), labels=labels(place)
    )


def _secret(key: str, place: Place, project: str, folder: Path) -> SecretDecl:
    place.mapping(schema.SECRET, schema.SECRET_REFUSED)
    name, external = _name(key, place, project)
    file, extra = place.get("file"), place.get("x-aistack")
    generate = extra.mapping({"generate"}).get("generate") if extra else None
    made = generate.one_of(GENERATED) if generate else ""
    if file is not None and (external or made):
        raise file.fault("stands beside external or generate; one of them is right.")
    if file is None and not external and not made:
        raise place.fault("needs file, external: true, or x-aistack with generate.")
    path = str((folder / file.text()).resolve()) if file else ""
    return SecretDecl(name=name, key=key, file=path, external=external and not made, generate=made)
