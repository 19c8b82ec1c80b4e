"""One image, volume or network as it is now: who uses it, who would miss it, and the pin that names this very one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

IMAGE, VOLUME, NETWORK = "image", "volume", "network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one look found."""

    type: str
    id: str
    """Full id; a volume's is its name."""
    name: str
    pin: str
    """What must still be so when it is removed."""
    names: tuple[str, ...] = ()
    """All names of an image."""
    users: tuple[str, ...] = ()
    """Containers, running or not."""
    fixed: str = ""
    """Why it can never be removed; empty = it can."""
    claim: str = ""
    """Who would miss it though nothing uses it; only naming it removes it."""
    plain: str = ""
    """Why nobody would miss it; empty = a prune leaves it."""
    size: int | None = None
    created: float | None = None
    managed: bool = False

    def blocked(self) -> str:
        """Return in one sentence why it cannot be removed now, or ""."""
        if self.fixed:
            return f"{self.type.capitalize()} {self.name} stays: {self.fixed}."
        if self.users:
            return f"{self.type.capitalize()} {self.name} is used by {', '.join(self.users[:6])}."
        return ""

    def why(self) -> str:
        """Return why a prune takes it, or why it does not; for a person."""
        if self.users:
            return ""
        return self.fixed or self.claim or self.plain or "no container uses it"

    @property
    def prunable(self) -> bool:
        """Whether the default prune of its kind takes it."""
        return bool(self.plain) and not (self.users or self.fixed or self.claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What would be missed: reason by image name, image id, volume name and network name."""

    refs: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)


Claimed = Callable[[], Claims]


class Stock(Protocol):
    """All objects of one type. Calls block, and raise ``PodmanDown``, ``NotFound`` or ``PodmanSays``."""

    type: str

    def all(self) -> tuple[Item, ...]:
        """Return every object."""
        ...

    def one(self, ident: str) -> Item:
        """Look anew at one, by the id that ``all`` gave."""
        ...

    def remove(self, item: Item) -> None:
        """Remove exactly this object, never by force."""
        ...
