"""The adapter that the configuration puts on a model: found by its name, held against its manifest, or refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from aistack_backend.inference.models import BadModel

FILE, MANIFEST = "adapter.gguf", "manifest.json"
"""In the adapter's own folder; ``train`` writes both."""
HINT = "Set model.lora to one that train list shows for this model, or to nothing."


def chosen(folder: Path, name: str, model: Path) -> Path:
    """Return the file of an adapter. Reads the whole model, to know that it is the one that was learned for.

    Raises:
        BadModel: there is no such adapter, it is not the file that was kept, or it is for another model.
    """
    if not name.strip(".") or "/" in name or "\0" in name:
        raise BadModel(f"{name[:80]!r} is no name of an adapter.", HINT)
    place = folder / name
    try:
        told: dict[str, Any] = json.loads((place / MANIFEST).read_bytes())
        kept, base = str(told["adapter_sha256"]), str(told["model_sha256"])
        found, other = _sha256(place / FILE), _sha256(model)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadModel(f"The adapter {name} cannot be read: {str(error)[:200]}.", HINT) from error
    if found != kept:
        raise BadModel(f"The adapter {name} is not the file that was kept.", "Train it again.")
    if other != base:
        raise BadModel(f"The adapter {name} was learned for another model than {model.name}.", HINT)
    return place / FILE


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
