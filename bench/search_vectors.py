"""Vectors of the corpus by the real MiniLM, computed once and kept in the cache: they cost minutes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aistack_backend.errors import Unavailable
from aistack_backend.inference import catalogue, fetch, wheel
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import InferenceSettings

BATCH = 64


class Kept:
    """The vectors of texts, from a file that the model's answers were written into once."""

    def __init__(self, model: str, texts: Sequence[str], vectors: np.ndarray) -> None:
        self.model, self.dimensions = model, int(vectors.shape[1])
        self._vectors, self._at = vectors, {text: at for at, text in enumerate(texts)}

    def of(self, text: str) -> np.ndarray:
        """Return the vector of one text."""
        row: np.ndarray = self._vectors[self._at[text]]
        return row


def kept(texts: Sequence[str]) -> Kept:
    """Return the vectors of these texts, from the cache, else from the model.

    Raises:
        OSError: the engine or the model is not in the cache.
    """
    wanted = list(dict.fromkeys(texts))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aistack"
    digest = hashlib.sha256("\0".join(wanted).encode(errors="replace")).hexdigest()[:16]
    file = cache / "bench" / f"search-{catalogue.EMBEDDING.id}-{digest}.npy"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = asyncio.run(_made(cache, wanted))
        np.save(file.with_suffix(".new.npy"), made)
        file.with_suffix(".new.npy").replace(file)
    return Kept(catalogue.EMBEDDING.id, wanted, np.load(file))


async def _made(cache: Path, texts: Sequence[str]) -> np.ndarray:
    site, model = wheel.site_folder(cache), fetch.model_file(cache, catalogue.EMBEDDING)
    if not site.is_dir() or not model.is_file():
        raise OSError("the engine or the model of vectors is not in the cache; `make test` puts them there")
    host = LlamaHost(site, cache / "bench", InferenceSettings(), lambda *_: None)
    began, rows = time.monotonic(), []
    try:
        for at in range(0, len(texts), BATCH):
            rows += (await host.embed(model, texts[at : at + BATCH])).vectors
            if at // BATCH % 20 == 0:
                rate = len(rows) / (time.monotonic() - began)
                print(f"  {len(rows)} of {len(texts)} vectors, {rate:.0f} a second", file=sys.stderr, flush=True)
    except Unavailable as error:
        raise OSError(error.detail) from error
    finally:
        await host.close()
    return np.asarray(rows, dtype="<f4")
