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
from aistack_backend.inference.models import Embeddings, InferenceSettings

BATCH = 64


class Kept:
    """Gives the vectors of texts from a file; the texts that it lacks were asked of the model when it was made."""

    def __init__(self, model: str, by_text: dict[str, tuple[float, ...]]) -> None:
        self.model, self._by_text = model, by_text

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        vectors = tuple(self._by_text[text] for text in texts)
        return Embeddings(model=self.model, dimensions=len(vectors[0]), vectors=vectors, tokens=0)


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
    found = np.load(file)
    return Kept(catalogue.EMBEDDING.id, {text: tuple(row.tolist()) for text, row in zip(wanted, found, strict=True)})


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
