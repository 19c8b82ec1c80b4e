"""Remove a model file of ours, and nothing else: whatever leads out of our own cache is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

from aistack_backend.errors import Refused, Unavailable
from aistack_backend.inference import splits
from aistack_backend.inference.stores import NOTE


def remove_ours(path: Path, models: Path) -> None:
    """Remove a file with all its parts, or the folder of a fetch, below ``models``.

    Raises:
        Refused: it lies elsewhere, or is only a link. Unavailable: it cannot be removed.
    """
    home = models.resolve()
    folder = path if path.is_dir() else path.parent
    real = path.parent.resolve() / path.name
    if path.is_symlink() or not real.is_relative_to(home) or real == home:
        raise Refused(f"{path} does not lie in our own cache, so it is not ours to remove.")
    try:
        if (folder / NOTE).is_file() and folder.resolve().parent == home / "fetched":
            shutil.rmtree(folder)
            return
        for part in splits.parts(path):
            part.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"{path} cannot be removed: {error.strerror or error}.") from error
