"""Compose files to one checked ``Manifest``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aistack_backend.containers.stack import references, schema
from aistack_backend.containers.stack.document import read
from aistack_backend.containers.stack.interpolate import read_env_file
from aistack_backend.containers.stack.merge import merge
from aistack_backend.containers.stack.models import Manifest, NetworkDecl
from aistack_backend.containers.stack.place import ManifestError, Place
from aistack_backend.containers.stack.service import service
from aistack_backend.containers.stack.tables import Tables, tables

PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def load(files: Sequence[Path], env: Mapping[str, str], env_file: Path | None = None) -> Manifest:
    """Read Compose files, merged in their order, and check all that can be checked without the machine.

    Variables come from ``env``, then from ``env_file``, else from ``.env`` beside the first file, as Compose does.
    Relative paths begin at the first file's folder.

    Raises:
        ManifestError: the first thing that is not right, with file, line and key, and what would be right.
    """
    if not files:
        raise ManifestError("No Compose file is named.")
    paths = [path.expanduser().absolute() for path in files]
    folder = paths[0].parent
    variables = {**_file_variables(folder, env, env_file), **env}
    root = read(paths[0], variables)
    for path in paths[1:]:
        root = merge(root, read(path, variables))
    root.mapping(schema.FILE, schema.FILE_REFUSED)
    project = _project(root, folder, variables)
    block = root.get("x-aistack")
    named = at.texts() if block and (at := block.mapping({"tiers"}).get("tiers")) else ()
    found = _services(root, _with_default(root, tables(root, project, folder, variables)), named)
    return replace(found, files=tuple(map(str, paths)))


def watched(files: Sequence[Path], env_file: Path | None) -> tuple[Path, ...]:
    """Return the files whose change means that ``load`` must be called again (not the env files of single services)."""
    return (*files, env_file if env_file else files[0].expanduser().absolute().parent / ".env")


def _services(root: Place, known: Tables, named: Sequence[str]) -> Manifest:
    at = root.get("services")
    if at is None or not at.mapping().value:
        raise root.fault("declares no services.")
    found = {name: service(place, known, named, known.project) for name, place in at.items()}
    references.check(root, found)
    tiers = references.tiers(found, named)
    held = {name: tuple(tier for tier, ids in tiers.items() if name in ids) for name in found}
    return Manifest(
        files=(),
        project=known.project,
        services={name: replace(one, extra=replace(one.extra, tiers=held[name])) for name, one in found.items()},
        volumes=known.volumes,
        networks=known.networks,
        secrets=known.secrets,
        tiers=tiers,
    )


def _with_default(root: Place, known: Tables) -> Tables:
    if "default" in known.networks or not _joins_default(root.value.get("services")):
        return known
    default = NetworkDecl(name=f"{known.project}_default")
    return replace(known, networks={**known.networks, "default": default})


def _joins_default(services: object) -> bool:
    wishes = (
        [one.get("networks") for one in services.values() if isinstance(one, dict)]
        if isinstance(services, dict)
        else []
    )
    return any(not wish or (isinstance(wish, list | dict) and "default" in wish) for wish in wishes)


def _project(root: Place, folder: Path, env: Mapping[str, str]) -> str:
    at = root.get("name")
    name = env.get("COMPOSE_PROJECT_NAME") or (at.text() if at else "")
    if not name:
        name = re.sub(r"[^a-z0-9_-]", "", folder.name.lower()).lstrip("_-") or "stack"
    if not PROJECT.fullmatch(name):
        raise (at or root).fault(f"calls the project {name!r}; small letters, digits, - and _ are right.")
    return name


def _file_variables(folder: Path, env: Mapping[str, str], env_file: Path | None) -> dict[str, str]:
    path = env_file or folder / ".env"
    if env_file is None and not path.is_file():
        return {}
    return read_env_file(path.expanduser(), env, lambda sentence: ManifestError(f"The stack {sentence}"))
