"""Compose files for the tests of the loader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.stack.place import ManifestError


def written(folder: Path, text: str, name: str = "compose.yml") -> Path:
    """Write a file."""
    path = folder / name
    path.write_text(dedent(text))
    return path


def loaded(folder: Path, text: str, env: Mapping[str, str] | None = None) -> Manifest:
    """Write a file and load it."""
    return load([written(folder, text)], env or {})


def web(folder: Path, keys: str, env: Mapping[str, str] | None = None) -> ServiceDecl:
    """Load a file with one service ``web`` that has these keys beside its image."""
    return loaded(folder, only_web(keys), env).services["web"]


def only_web(keys: str) -> str:
    """A file with one service, and with a volume ``data`` and a secret ``pass``."""
    body = "\n".join("    " + line for line in dedent(keys).strip().splitlines())
    return f"services:\n  web:\n    image: web:1\n{body}\nvolumes:\n  data:\nsecrets:\n  pass:\n    external: true\n"


def refusal(folder: Path, text: str, env: Mapping[str, str] | None = None) -> str:
    """Load a file that cannot be used and return what is said of it, without its folder."""
    with pytest.raises(ManifestError) as caught:
        loaded(folder, text, env)
    return str(caught.value).replace(f"{folder}/", "")
