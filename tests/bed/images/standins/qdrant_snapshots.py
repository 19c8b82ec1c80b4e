"""Snapshots of the Qdrant stand-in: a copy of a collection's file, taken, listed, fetched, recovered and removed."""

from __future__ import annotations

import hashlib
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from face import BYTES, Answer, Request
from qdrant_store import SNAPSHOTS, fault, load, ok, save


def described(path: Path) -> dict[str, Any]:
    """Return what Qdrant tells about a snapshot."""
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"name": path.name, "creation_time": made, "size": path.stat().st_size, "checksum": checksum}


def find_file(name: str, snapshot: str) -> Path:
    """Return a snapshot's file, or 404."""
    path = SNAPSHOTS / name / snapshot
    if not re.fullmatch(r"[\w.-]+", snapshot) or not path.is_file():
        raise fault(404, f"Not found: Snapshot {snapshot} not found")
    return path


def take(_: Request, name: str) -> Answer:
    """Copy a collection."""
    folder = SNAPSHOTS / name
    collection = load(name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{time.time_ns()}.snapshot"
    path.write_text(json.dumps(collection))
    return ok(described(path))


def listed(_: Request, name: str) -> Answer:
    """List a collection's snapshots."""
    load(name)
    return ok([described(path) for path in sorted((SNAPSHOTS / name).glob("*.snapshot"))])


def fetched(_: Request, name: str, snapshot: str) -> Answer:
    """Return a snapshot's bytes."""
    return Answer(find_file(name, snapshot).read_bytes(), kind=BYTES)


def dropped(_: Request, name: str, snapshot: str) -> Answer:
    """Remove a snapshot."""
    find_file(name, snapshot).unlink()
    return ok(True)


def install(name: str, raw: bytes, wanted: str) -> Answer:
    """Put a snapshot in a collection's place, made or replaced."""
    if wanted and hashlib.sha256(raw).hexdigest() != wanted:
        raise fault(400, "Wrong input: Snapshot checksum mismatch")
    try:
        collection = json.loads(raw)
        collection["config"]["params"]["vectors"], collection["points"]
    except (ValueError, KeyError, TypeError):
        raise fault(400, "Wrong input: the snapshot is corrupted") from None
    save(name, collection)
    return ok(True)


def recover(request: Request, name: str) -> Answer:
    """Recover from a file on this machine (``file:///…``)."""
    body = request.json()
    path = Path(unquote(urlsplit(body["location"]).path))
    if not path.is_file():
        raise fault(404, f"Not found: {body['location']}")
    return install(name, path.read_bytes(), body.get("checksum") or "")


def upload(request: Request, name: str) -> Answer:
    """Recover from an uploaded form field ``snapshot``."""
    kind = request.headers.get("content-type", "")
    mark = re.search(r'boundary="?([^";]+)', kind)
    parts = request.body.split(b"--" + mark[1].encode()) if mark else []
    for part in parts:
        head, gap, raw = part.partition(b"\r\n\r\n")
        if gap and b'name="snapshot"' in head:
            return install(name, raw.removesuffix(b"\r\n"), request.query.get("checksum", ""))
    raise fault(400, "Wrong input: a multipart form with the field snapshot is wanted.")


ONE = r"/collections/([^/]+)/snapshots"
ROUTES = (
    ("POST", ONE, take),
    ("GET", ONE, listed),
    ("POST", f"{ONE}/upload", upload),
    ("PUT", f"{ONE}/recover", recover),
    ("GET", f"{ONE}/([^/]+)", fetched),
    ("DELETE", f"{ONE}/([^/]+)", dropped),
)
