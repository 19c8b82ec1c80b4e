"""What the pictures of Federation show: items that wait, one with what here says otherwise, signers, bundles."""

from __future__ import annotations

from tests.console import learning_scene
from tests.console.stage import NOW, Stage

from aistack_backend.wire.federation import (
    Bundle,
    Federation,
    FederationRole,
    HeldItem,
    HeldItems,
    Item,
    ItemState,
    ItemType,
    Rival,
    Signer,
)

HOUR, DAY = 3_600.0, 86_400.0
KEY = "5f3a" * 16
BUNDLES = (
    Bundle(
        id=4, signer="north", number=7, sha256="ab" * 32, created_at=NOW - DAY, expires_at=NOW + 29 * DAY,
        at=NOW - HOUR, by="operator:anna", path="/srv/shared/north-7.aifed.json", items=2, left_out=3,
    ),
    Bundle(
        id=3, signer="", number=1, sha256="cd" * 32, created_at=NOW - 40 * DAY, expires_at=NOW - 10 * DAY,
        at=NOW - 40 * DAY, by="operator:ben", path="/srv/out.aifed.json", items=9, redactions=1,
    ),
)  # fmt: skip
CONTESTED = HeldItem(
    id=11, signer="north", bundle=4, state=ItemState.QUARANTINED, redactions=1,
    item=Item(
        type=ItemType.PATTERN, kind="answer", question="Which port does Qdrant use?", says="It uses 6335.", value=0.9,
        changed_at=NOW - 2 * DAY, origin="spoke-two",
    ),
    rivals=(
        Rival(
            pattern=3, state="active", says="Qdrant listens on port 6333.", value=0.86, changed_at=NOW - HOUR,
            latest=False, highest_value=True,
        ),
    ),
)  # fmt: skip
CALM = HeldItem(
    id=12, signer="north", bundle=4, state=ItemState.QUARANTINED,
    item=Item(
        type=ItemType.SAMPLE, question="Where are the models?", says="In the cache folder.", changed_at=NOW - DAY,
    ),
)  # fmt: skip
ITEMS = HeldItems(items=(CONTESTED, CALM))
FOUND = Federation(
    role=FederationRole.PEER,
    key="c0de" * 16,
    signers=(
        Signer(name="east", key="00ff" * 16, added_by="operator:ben", added_at=NOW - 90 * DAY, revoked_at=NOW - DAY),
        Signer(name="north", key=KEY, added_by="operator:anna", added_at=NOW - 9 * DAY, number=7),
    ),
    bundles=BUNDLES,
    quarantined=2,
)
NONE = Federation(role=FederationRole.SPOKE)


def federated(one: Stage) -> None:
    """A world in which a bundle came."""
    learning_scene.learned(one)
    one.answers["GET /v1/federation"] = FOUND
    one.answers["GET /v1/federation/items"] = ITEMS
