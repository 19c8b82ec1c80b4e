"""What a training was asked, as text in the action record: read strictly, written canonically."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from aistack_backend.errors import BadInput
from aistack_backend.wire.training import TrainRequest

BOUNDS = {
    "steps": (1, 2_000),
    "rank": (1, 64),
    "seed": (0, 2**31 - 1),
    "minutes": (1, 24 * 60),
    "megabytes": (256, 262_144),
}
"""The least and the most that a person can allow."""
NAME = 200


def canonical(request: TrainRequest) -> str:
    """Return the request as canonical JSON: sorted keys, one a line, so that a person can read it."""
    return json.dumps(msgspec.to_builtins(request), sort_keys=True, ensure_ascii=False, indent=1)


def read(script: str) -> TrainRequest:
    """Read a request, and hold it against the bounds.

    Raises:
        BadInput: it is no request, or something in it cannot be; one sentence.
    """
    try:
        request = msgspec.json.decode(script.encode(), type=TrainRequest)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise BadInput(
            f"The training that is asked for cannot be read: {error}.", "Use: train DATASET.jsonl"
        ) from error
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(request, name) <= most:
            raise BadInput(f"The value {name} is {getattr(request, name)}.", f"Give {least} to {most}.")
    if not Path(request.dataset).is_absolute() or "\0" in request.dataset:
        raise BadInput(f"{request.dataset[:NAME]!r} is no absolute path of a dataset.", "Name it from / on.")
    if len(request.model) > NAME:
        raise BadInput("The model's name is too long.", "aistack-console models lists them.")
    return request
