"""The form of a bundle: what is one, what is none, and that a changed byte is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.errors import BackendError, BadInput, Conflict, Refused
from aistack_backend.learning.federation import sealed
from aistack_backend.learning.federation.identity import Identity
from aistack_backend.wire.federation import Item, ItemType

KEY = Ed25519PrivateKey.from_private_bytes(b"7" * 32)
GOOD = Item(type=ItemType.PATTERN, kind="answer", question="q?", says="a", changed_at=1.0)


def bundle(*items: Item, **more: Any) -> sealed.Sealed:
    """A bundle as anybody could make it."""
    body = sealed.Body(
        key=KEY.public_key().public_bytes_raw().hex(), number=1, created_at=1, expires_at=2, items=items or (GOOD,)
    )
    return sealed.seal(replace(body, **more), KEY)


BAD_ITEMS = [
    (replace(GOOD, kind="shell"), "kind that is not known"),
    (replace(GOOD, type=ItemType.SAMPLE), "kind that is not known"),
    (replace(GOOD, kind="route", says="moon"), "names a route"),
    (replace(GOOD, question=" "), "has no question"),
    (replace(GOOD, says="x" * 16_001), "over 16000 characters"),
    (replace(GOOD, sources=("x",) * 21), "over 20 sources"),
    (replace(GOOD, value=7.0), "a value that is none"),
    (replace(GOOD, task_class="x\x1b[2J"), "no plain name"),
]


@pytest.mark.parametrize(("item", "said"), BAD_ITEMS, ids=range(len(BAD_ITEMS)))
def test_items_that_cannot_be(item: Item, said: str) -> None:
    with pytest.raises(BadInput, match=f"Item 2 of x .*{said}"):
        sealed.opened(bundle(GOOD, item).data, "x")


def test_files_that_are_no_bundles() -> None:
    good = bundle().data
    told = json.loads(good)
    bad = [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        good + b"\n",
        json.dumps(told).encode(),
        json.dumps({**told, "more": 1}, sort_keys=True, separators=(",", ":")).encode(),
        good.replace(b"federation-1", b"federation-9"),
        good.replace(b'"number":1', b'"number":1.0'),
        b" " * (sealed.LARGEST + 1),
    ]
    for data in bad:
        with pytest.raises(BadInput):
            sealed.opened(data, "x")
    with pytest.raises(BadInput, match="5001 items"):
        bundle(*([GOOD] * 5_001))


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_anywhere_is_noticed(at: int, flip: int) -> None:
    """Nothing of a bundle can be changed by anybody without the key."""
    data = bytearray(bundle().data)
    data[at % len(data)] ^= flip
    with pytest.raises(BackendError):
        sealed.proven(sealed.opened(bytes(data), "x"), "x")


def test_the_same_bundle_has_one_form_and_its_signature_holds() -> None:
    made = bundle()
    again = sealed.opened(made.data, "x")
    sealed.proven(again, "x")
    assert (again, again.data, again.body.sha256) == (made, made.data, made.body.sha256)
    other = replace(made, body=replace(made.body, key="0" * 64))
    with pytest.raises(Refused):
        sealed.proven(other, "x")
    assert msgspec.json.decode(made.data)["form"] == sealed.FORM


def test_a_key_is_made_once_and_a_broken_one_is_told(tmp_path: Path) -> None:
    one = Identity(tmp_path / "f")
    assert one.public() == ""
    with pytest.raises(Conflict, match="no key to sign with"):
        one.secret()
    key = one.make()
    assert (one.make(), one.public()) == (key, key)
    file = tmp_path / "f" / "federation.key"
    assert file.stat().st_mode & 0o777 == 0o400
    file.chmod(0o600)
    file.write_text("no")
    with pytest.raises(BackendError, match="cannot be used"):
        one.public()
