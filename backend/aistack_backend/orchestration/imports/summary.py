"""What became of an import, in words: counts first, then one sentence for each file that was not read."""

from __future__ import annotations

from dataclasses import dataclass, field

from aistack_backend.wire.knowledge import Added

SHOWN = 100
"""Sentences that are told; of the rest the number is."""


@dataclass(slots=True)
class Summary:
    """Counts and sentences; every file of the place is in exactly one of them."""

    added: int = 0
    replaced: int = 0
    same: int = 0
    pieces: int = 0
    refused: int = 0
    passed: int = 0
    """Left out by pattern, or hidden."""
    over: int = 0
    """Left out by a limit."""
    gone: int = 0
    """Documents of earlier commits whose file is no longer chosen or there: they stay."""
    failed: str = ""
    notes: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    without: str = ""
    """Why something has no vectors."""

    @property
    def fine(self) -> bool:
        """Nothing failed as a whole, and something is in the collection or nothing had to be."""
        return not self.failed and (self.added + self.replaced + self.same > 0 or not self.refused)

    def took(self, one: Added, *, again: bool = False) -> None:
        """Count a document; ``again`` = it takes the place of one of an earlier commit."""
        self.same += one.outcome == "unchanged"
        self.replaced += one.outcome == "replaced" or (again and one.outcome == "added")
        self.added += one.outcome == "added" and not again
        self.pieces += one.document.chunks if one.outcome != "unchanged" else 0
        self.without = self.without or one.detail

    def refuse(self, path: str, why: str) -> None:
        """Count a file that was not read."""
        self.refused += 1
        if len(self.sentences) < SHOWN:
            self.sentences.append(f"{path[:200]}: {why[:300]}")

    def text(self) -> str:
        """Return it all, at most 16 kB."""
        counts = [
            f"{self.added} added, {self.replaced} replaced, {self.same} unchanged, {self.refused} not read",
            "1 piece" if self.pieces == 1 else f"{self.pieces} pieces",
        ]
        more = [(self.passed, "left out by pattern or hidden"), (self.over, "left out by the limits")]
        more += [(self.gone, "of earlier commits not in it now, kept")]
        counts += [f"{count} {what}" for count, what in more if count]
        lines = [self.failed, "; ".join(counts) + ".", *self.notes, self.without, *self.sentences]
        if self.refused > len(self.sentences):
            lines.append(f"… and {self.refused - len(self.sentences)} more that were not read.")
        return "\n".join(filter(None, lines)).encode()[:15_900].decode(errors="ignore")
