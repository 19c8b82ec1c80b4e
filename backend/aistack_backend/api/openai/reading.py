"""Requests, read strictly: what these routes cannot do is refused, what they need not do is ignored, and told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response

from aistack_backend.api.openai.errors import Wrong

IGNORED = "x-aistack-ignored"
"""Header that lists the fields of a request that changed nothing."""
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "top_p": (1, 1.0),
    "presence_penalty": (0, 0.0),
    "frequency_penalty": (0, 0.0),
    "logit_bias": ({},),
    "store": (False,),
    "service_tier": ("auto", "default"),
    "encoding_format": ("float",),
}
"""Values that ask for nothing but what is done anyway."""
ONLY: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "audio": (),
    "modalities": (["text"],),
    "echo": (False,),
    "suffix": ("",),
    "functions": ([],),
    "function_call": ("none",),
    "web_search_options": (),
}
"""Fields of which another value than these would change what the answer is: it is refused."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_PLACE = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")
MOST = 20
"""Ignored fields that are listed."""
T = TypeVar("T")


def read(body: bytes, kind: type[T]) -> tuple[T, list[str]]:
    """Return the request as a dataclass ``kind``, and the names of the fields that are ignored.

    Raises:
        Wrong: it is no JSON of that form, or wants what is not served; says which field.
    """
    try:
        said = msgspec.json.decode(body)
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Wrong("", "The body holds half a character (a lone surrogate).") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong("", f"The body is no JSON: {error}.") from error
    if not isinstance(said, dict):
        raise Wrong("", "The body is no JSON object.")
    given = {name: value for name, value in said.items() if value is not None}
    for name in ONLY.keys() & given.keys():
        if not _among(given[name], ONLY[name]):
            allowed = " or ".join(json.dumps(one) for one in ONLY[name])
            raise Wrong(
                name, f"{name} is not served here.", f"Leave it out{f', or send {allowed}' if allowed else ''}."
            )
    known = {field.name for field in fields(kind)} | ONLY.keys()  # type: ignore[arg-type]
    rest = (name for name, value in given.items() if name not in known and not _among(value, NEUTRAL.get(name, ())))
    return _convert(given, kind), [name for name in rest if _NAME.fullmatch(name)][:MOST]


def telling(response: Response, ignored: list[str]) -> Response:
    """Return the response with the header that lists what was ignored."""
    if ignored:
        response.headers[IGNORED] = ",".join(sorted(ignored))
    return response


def _convert(given: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(given, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        what = str(error)
        place = found.group(1) if (found := _PLACE.search(what)) else ""
        place = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", place)
        raise Wrong(place, f"{place or 'body'}: {_PLACE.sub('', what)}.") from error


def _among(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Equal as JSON: true is not 1."""
    return any(type(one) is type(value) and one == value for one in allowed)
