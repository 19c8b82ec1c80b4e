"""A bundle as a file: canonical JSON with one signature over all of it. Pure: no key is kept and no file is read here.

What is signed is ``DOMAIN`` and the canonical JSON of the body. The file is the canonical JSON of form, body and
signature and nothing else, so that the same bundle has one form, and its sha256 tells whether it was seen before.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from aistack_backend.errors import BadInput, Refused
from aistack_backend.wire.federation import Item, ItemType

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORM = "aistack-federation-1"
DOMAIN = b"aistack-federation-v1\0"
LARGEST = 8 * 1024 * 1024
"""Bytes of a file."""
MOST = 5_000
"""Items of a bundle."""
LONGEST = 16_000
"""Characters of one text in it."""
SOURCES = 20
AHEAD = 600.0
"""Seconds that another installation's clock may be ahead."""
PLAIN = re.compile(r"[\w .:/-]{0,80}")
"""What a class, or the name of an origin, may be."""
KINDS = ("answer", "route", "prompt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is signed."""

    key: str
    """Public key of the signer, 64 hex digits."""
    number: int
    """Higher than that of each earlier bundle of this signer."""
    created_at: int
    expires_at: int
    items: tuple[Item, ...]

    @property
    def signed(self) -> bytes:
        """The bytes under the signature."""
        return DOMAIN + _canonical(msgspec.to_builtins(self))

    @property
    def sha256(self) -> str:
        """What tells whether it was seen before."""
        return hashlib.sha256(self.signed).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A bundle with its signature."""

    form: str
    body: Body
    signature: str

    @property
    def data(self) -> bytes:
        """The file."""
        return _canonical(msgspec.to_builtins(self))


def seal(body: Body, key: Ed25519PrivateKey) -> Sealed:
    """Sign a body.

    Raises:
        BadInput: it is larger than what anybody takes in.
    """
    made = Sealed(form=FORM, body=body, signature=key.sign(body.signed).hex())
    if len(body.items) > MOST or len(made.data) > LARGEST:
        raise BadInput(f"The bundle would have {len(body.items)} items in {len(made.data)} bytes.", "Leave some out.")
    return made


def opened(data: bytes, name: str) -> Sealed:
    """Read a file; its signature is not looked at yet.

    Raises:
        BadInput: too large, of another form, or with an item that cannot be; one sentence.
    """
    if len(data) > LARGEST:
        raise BadInput(f"The bundle {name} has over {LARGEST} bytes.", "Have it made with fewer items.")
    try:
        made = msgspec.json.decode(data, type=Sealed)
        same = made.data == data
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{name} is no bundle: {str(error)[:200]}.", "federation export makes one.") from error
    if made.form != FORM or not same:
        raise BadInput(f"{name} is not in the one form that a bundle has ({FORM}).", "Take the file as it was made.")
    if len(made.body.items) > MOST:
        raise BadInput(f"The bundle {name} has {len(made.body.items)} items; {MOST} are the most.")
    for number, one in enumerate(made.body.items, 1):
        if why := _wrong(one):
            raise BadInput(f"Item {number} of {name} {why}.")
    return made


def proven(made: Sealed, name: str) -> None:
    """Hold the signature against the key that the bundle names.

    Raises:
        Refused: it is forged.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(made.body.key))
        key.verify(bytes.fromhex(made.signature), made.body.signed)
    except (InvalidSignature, ValueError) as error:
        raise Refused(f"The signature of {name} is not that of its signer: it was forged or changed.") from error


def timely(body: Body, name: str, now: float) -> None:
    """Refuse what is too old, or from the future.

    Raises:
        Refused: it is; one sentence.
    """
    if body.created_at > now + AHEAD:
        raise Refused(f"{name} says that it was made in the future.", "Look at both clocks.")
    if not body.created_at <= body.expires_at or now > body.expires_at:
        raise Refused(f"{name} has expired.", "Ask for a new one.")


def _wrong(one: Item) -> str:
    """Return what is wrong with an item; empty = nothing is."""
    texts = (one.question, one.says, one.task_class, one.origin, *one.sources)
    if one.type is ItemType.UNKNOWN or (one.type is ItemType.PATTERN) != (one.kind in KINDS):
        return "is of a kind that is not known here"
    if one.kind == "route" and one.says not in ("local", "remote"):
        return "names a route that there is not"
    if not (PLAIN.fullmatch(one.task_class) and PLAIN.fullmatch(one.origin)):
        return "has a class or an origin that is no plain name"
    if not one.question.strip() or not one.says.strip():
        return "has no question, or says nothing"
    if max(map(len, texts)) > LONGEST or len(one.sources) > SOURCES:
        return f"has a text of over {LONGEST} characters, or over {SOURCES} sources"
    if not math.isfinite(one.changed_at) or (one.value is not None and not 0 <= one.value <= 1):
        return "has a value that is none"
    return ""


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
