"""Federation: signed bundles of patterns and samples between installations, and what waits of them for review."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class FederationRole(Word):
    """What this installation is to the others."""

    PEER = "peer"
    """Gives what it learned itself, takes from whom it trusts."""
    HUB = "hub"
    """Gives also what it took from others, once that is in use here."""
    SPOKE = "spoke"
    """As a peer, and trusts one signer: its hub."""
    UNKNOWN = "unknown"


class ItemType(Word):
    """What an item of a bundle is."""

    PATTERN = "pattern"
    SAMPLE = "sample"
    UNKNOWN = "unknown"


class ItemState(Word):
    """Where an item from elsewhere stands; until it is accepted nothing here reads it."""

    QUARANTINED = "quarantined"
    ACCEPTED = "accepted"
    """A pattern waits for its trial on held-out work of this installation, a sample in the queue of review."""
    DROPPED = "dropped"
    UNKNOWN = "unknown"


class Rule(Word):
    """Which of two answers to one question is taken."""

    LATEST = "latest"
    HIGHEST_VALUE = "highest-value"
    KEEP_BOTH = "keep-both"
    """Both stay, and the trial decides."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that was learned, as it lies in a bundle: data, never more."""

    type: ItemType
    kind: str = ""
    """Of a pattern: ``answer``, ``route``, ``prompt``."""
    question: str
    says: str
    """The answer, the route, or what the model is told."""
    task_class: str = ""
    sources: tuple[str, ...] = ()
    value: float | None = None
    """As its installation valued it; None = not known."""
    changed_at: float
    origin: str = ""
    """Its signer's name for the installation that taught it; empty = the signer did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Something of this installation that says something else about the same question."""

    pattern: int
    """Its number; 0 = it is an item that waits too."""
    item: int = 0
    state: str
    says: str
    value: float | None = None
    changed_at: float
    latest: bool
    """By this rule the one from elsewhere would win."""
    highest_value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldItem:
    """An item from elsewhere, here."""

    id: int
    signer: str
    bundle: int
    state: ItemState
    item: Item
    redactions: int = 0
    """Secrets and personal data that were taken out on this side: there should be none."""
    rivals: tuple[Rival, ...] = ()
    outcome: str = ""
    """What became of it, in one sentence."""
    reviewed_by: str = ""
    reviewed_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldItems:
    """Items, the oldest first, at most 500."""

    items: tuple[HeldItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An installation that is trusted to send, by a person's word."""

    name: str
    key: str
    """Ed25519 public key, 64 hex digits."""
    added_by: str
    added_at: float
    expires_at: float | None = None
    """None = until revoked."""
    revoked_at: float | None = None
    number: int = 0
    """Of its newest bundle here; the next has to have a higher one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One bundle that went out or came in."""

    id: int
    signer: str
    """Name of the signer; empty = it is ours."""
    number: int
    sha256: str
    created_at: float
    expires_at: float
    at: float
    """When it was written, or taken in, here."""
    by: str
    path: str
    items: int
    redactions: int = 0
    left_out: int = 0
    """Items of which nothing was left without secrets and personal data, or that were known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """How this installation stands to others."""

    role: FederationRole
    key: str = ""
    """Our public key; empty = none was made yet."""
    signers: tuple[Signer, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    """The newest 100."""
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRequest:
    """A person trusts an installation."""

    name: str
    key: str
    days: float | None = None
    """None = until revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRequest:
    """Write a bundle of what is in use here."""

    path: str
    """A new file, or a folder in which it gets a name."""
    patterns: bool = True
    samples: bool = True
    days: float = 30.0
    """For how long it may be taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeRequest:
    """Take in a bundle; of a folder every bundle that is new."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one file."""

    path: str
    bundle: Bundle | None = None
    refused: str = ""
    """One sentence; empty = it was taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenList:
    """What became of each file."""

    files: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptRequest:
    """Accept an item; where something here says otherwise a rule has to say which is taken."""

    rule: str = ""
    """``latest``, ``highest-value``, ``keep-both``; empty = there is nothing to decide."""
