"""Where the Qdrant stand-in keeps its collections, and the envelope of its answers."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from face import Answer, Fault

STORAGE = Path(os.environ.get("QDRANT__STORAGE__STORAGE_PATH", "/qdrant/storage"))
SNAPSHOTS = Path(os.environ.get("QDRANT__STORAGE__SNAPSHOTS_PATH", "/qdrant/snapshots"))


def ok(result: Any) -> Answer:
    """Return Qdrant's envelope around a result."""
    return Answer({"result": result, "status": "ok", "time": 0.0})


def fault(status: int, sentence: str) -> Fault:
    """Return Qdrant's envelope around an error."""
    return Fault(Answer({"status": {"error": sentence}, "time": 0.0}, status))


def done() -> Answer:
    """Return what an update that was waited for answers."""
    return ok({"operation_id": time.monotonic_ns() // 1000, "status": "completed"})


def path_of(name: str) -> Path:
    """Return a collection's file."""
    if not re.fullmatch(r"[\w.-]{1,255}", name) or name.startswith("."):
        raise fault(422, f"The collection name {name!r} is not valid.")
    return STORAGE / "collections" / f"{name}.json"


def load(name: str) -> dict[str, Any]:
    """Return a collection: ``config`` and ``points`` by their id as text."""
    try:
        found: dict[str, Any] = json.loads(path_of(name).read_bytes())
    except FileNotFoundError:
        raise fault(404, f"Not found: Collection `{name}` doesn't exist!") from None
    return found


def save(name: str, collection: dict[str, Any]) -> None:
    """Replace a collection's file as a whole."""
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(collection))
    new.replace(path)
