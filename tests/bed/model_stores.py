"""Trees of model files, laid out as Ollama, LM Studio and the hub's client lay them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


def ollama(root: Path, name: str, file: bytes, licence: str = "") -> Path:
    """Put a model where ``ollama pull NAME`` puts it; return its blob."""
    model, _, tag = name.partition(":")
    layers = [_blob(root, file, "application/vnd.ollama.image.model")]
    layers += [_blob(root, licence.encode(), "application/vnd.ollama.image.license")] if licence else []
    layers += [_blob(root, b"{{ .Prompt }}", "application/vnd.ollama.image.template")]
    manifest = (
        root / "manifests/registry.ollama.ai" / (model if "/" in model else f"library/{model}") / (tag or "latest")
    )
    manifest.parent.mkdir(parents=True, exist_ok=True)
    config = _blob(root, b"{}", "application/vnd.docker.container.image.v1+json")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest.write_text(json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}))
    return root / "blobs" / str(layers[0]["digest"]).replace(":", "-")


def _blob(root: Path, data: bytes, kind: str) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    (root / "blobs" / f"sha256-{digest}").write_bytes(data)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}


def hub(root: Path, repo: str, name: str, file: bytes, revision: str = "a" * 40) -> Path:
    """Put a file where the hub's client puts it: a blob, and a relative link to it; return the link."""
    folder = root / f"models--{repo.replace('/', '--')}"
    blob = folder / "blobs" / hashlib.sha256(file).hexdigest()
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(file)
    link = folder / "snapshots" / revision / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(blob, link.parent))
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(revision)
    return link


def studio(root: Path, repo: str, name: str, file: bytes) -> Path:
    """Put a file where LM Studio puts it."""
    path = root / repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)
    return path
