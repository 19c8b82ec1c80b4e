"""Ollama's store: a manifest names a model, and its layer of a model's media type is a GGUF file among the blobs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aistack_backend.inference.walk import Walk, is_file, is_folder

LARGEST = 1_000_000
"""Bytes of a manifest."""
MODEL, LICENCE = "application/vnd.ollama.image.model", "application/vnd.ollama.image.license"
USUAL = ("registry.ollama.ai", "library")
"""Host and owner that Ollama itself leaves out of a name."""
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """One model as Ollama has it."""

    name: str
    """As Ollama lists it, e.g. ``llama3.2:3b``."""
    path: Path
    licence: str = ""
    """First line of the licence that came with it."""


def pulled(root: Path, walk: Walk) -> Iterator[Pulled]:
    """Yield what the manifests below ``root`` name and the blobs hold; a manifest that cannot be read is told."""
    for manifest in _files(root / "manifests", walk, 0):
        if walk.full:
            return
        layers = _layers(manifest, walk)
        licence = next((blob for kind, blob in layers if kind == LICENCE), "")
        for kind, blob in layers:
            path = root / "blobs" / blob
            if kind == MODEL and walk.take(path):
                yield Pulled(name=_name(manifest, root / "manifests"), path=path, licence=_first_line(root, licence))
            elif kind == MODEL and not walk.full:
                walk.troubles.append(f"{manifest} names {blob}, which is not there.")


def _files(folder: Path, walk: Walk, depth: int) -> Iterator[Path]:
    for name in walk.names(folder):
        path = folder / name
        if is_folder(path) and depth < 6:
            yield from _files(path, walk, depth + 1)
        elif is_file(path) and not name.startswith("."):
            yield path


def _layers(manifest: Path, walk: Walk) -> list[tuple[str, str]]:
    """Return media type and blob name of each layer."""
    try:
        with manifest.open("rb") as file:
            found: Any = json.loads(file.read(LARGEST))
        layers = [(str(one["mediaType"]), _DIGEST.fullmatch(str(one["digest"]))) for one in found["layers"]]
    except OSError as error:
        walk.troubles.append(f"{manifest} cannot be read: {error.strerror or error}.")
        return []
    except (ValueError, KeyError, TypeError, RecursionError):
        walk.troubles.append(f"{manifest} is no manifest of Ollama.")
        return []
    return [(kind, f"sha256-{digest[1]}") for kind, digest in layers if digest]


def _name(manifest: Path, root: Path) -> str:
    *where, model, tag = manifest.relative_to(root).parts if len(manifest.relative_to(root).parts) > 1 else ("", "")
    for usual in USUAL:
        if where and where[0] == usual:
            where = where[1:]
    return "/".join([*where, f"{model}:{tag}"])


def _first_line(root: Path, blob: str) -> str:
    if not blob:
        return ""
    try:
        with (root / "blobs" / blob).open("rb") as file:
            text = file.read(400).decode(errors="replace")
    except OSError:
        return ""
    return " ".join(next((line for line in text.splitlines() if line.strip()), "").split())[:120]
