"""What the stack would miss though no container uses it now: an up, a rollback or the sandbox would want it."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.containers.prune.models import Claims
from aistack_backend.containers.stack.history import GoodSet
from aistack_backend.containers.stack.models import Manifest


def claims(manifest: Manifest | None, good: GoodSet | None, sandbox: Sequence[str] = ()) -> Claims:
    """Return the reasons. ``sandbox``: names of the images that shell commands run in."""
    refs = dict.fromkeys(sandbox, "shell commands run in it")
    images = {one.image_id: f"a rollback of {key} needs it" for key, one in good.services.items()} if good else {}
    if manifest is None:
        return Claims(refs=refs, images=images)
    refs |= {one.image: f"the stack declares it for {key}" for key, one in manifest.services.items()}
    return Claims(
        refs=refs,
        images=images,
        volumes={one.name: "the stack declares it: it may hold data" for one in manifest.volumes.values()},
        networks={one.name: "the stack declares it" for one in manifest.networks.values()},
    )
