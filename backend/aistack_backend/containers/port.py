"""The port of Podman: every call that we make, and no other (R4.7).

All calls block and are to be run in a thread; all are safe from several threads at once. Each raises
``PodmanDown`` (nobody usable answers), ``NotFound`` or ``PodmanSays`` (Podman refused, in its own words).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from aistack_backend.containers.models import Event, ExecResult, Image, Inspected, Processes, Spec, Volume
from aistack_backend.wire.containers import Container, Health, LogLine, Usage

T_co = TypeVar("T_co", covariant=True)


class Feed(Protocol[T_co]):
    """A stream that is read in one thread and may be closed from any other.

    After ``close`` the reader's loop ends quietly within milliseconds. A feed that breaks by itself raises
    ``PodmanDown`` in the reader; a log feed ends quietly with the container.
    """

    def __iter__(self) -> Iterator[T_co]:
        """Read until the end."""
        ...

    def close(self) -> None:
        """End the reader; may be called twice and before the reader began."""
        ...


class Podman(Protocol):
    """One Podman, local or behind a socket of ours."""

    def connect(self) -> str:
        """Return where a Podman answers now (one cheap call), or raise ``PodmanDown``."""
        ...

    def tried(self) -> str:
        """Return where we look for Podman, for a person to read."""
        ...

    def signature(self) -> object:
        """Return something that changes when a socket appears, goes or is made anew; no call, microseconds."""
        ...

    def events_file(self) -> Path | None:
        """Return a readable file that may be this Podman's events file, or None."""
        ...

    def close(self) -> None:
        """Let go of connections; streams are closed by their own feeds."""
        ...

    def list(self, ids: Sequence[str] = ()) -> tuple[Container, ...]:
        """Return all containers, or those of the given full ids that exist, in no order."""
        ...

    def inspect(self, ref: str, *, size: bool = False) -> Inspected:
        """Return one container by id or name."""
        ...

    def start(self, container: str) -> None:
        """Start it; nothing when it runs already."""
        ...

    def stop(self, container: str, grace: int) -> None:
        """Stop it, killing after ``grace`` seconds; nothing when it is stopped already."""
        ...

    def restart(self, container: str, grace: int) -> None:
        """Stop (see above) and start it."""
        ...

    def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal; ``PodmanSays`` when it does not run."""
        ...

    def pause(self, container: str) -> None:
        """Freeze it; ``PodmanSays`` when it does not run."""
        ...

    def unpause(self, container: str) -> None:
        """Thaw it; ``PodmanSays`` when it is not paused."""
        ...

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove it, not its named volumes; ``PodmanSays`` when it runs and ``force`` is off."""
        ...

    def wait(self, container: str, seconds: float) -> int:
        """Return the exit code once it has ended; ``TimeoutError`` after ``seconds``."""
        ...

    def top(self, container: str) -> Processes:
        """Return its processes."""
        ...

    def exec(self, container: str, command: Sequence[str], seconds: float) -> ExecResult:
        """Run a command inside, output kept apart; 127 when there is no such command."""
        ...

    def healthcheck(self, container: str, seconds: float) -> Health:
        """Run its health command once; the state it has afterwards. ``PodmanSays`` when it has none."""
        ...

    def create(self, spec: Spec) -> str:
        """Create a locked-down container and return its full id; nothing is started."""
        ...

    def logs(self, container: str, *, tail: int, since: float | None, follow: bool) -> Feed[Sequence[LogLine]]:
        """Open the log: its last ``tail`` lines (or those since), then what comes, in blocks as they arrive."""
        ...

    def stats(self, interval: int) -> Feed[Sequence[Usage]]:
        """Open the usage of all containers in one connection, a sample every ``interval`` seconds.

        The processor share of a container's first sample is its average since its start, not of the interval.
        """
        ...

    def events(self) -> Feed[Event]:
        """Open the stream of events from now on; up to 250 ms late."""
        ...

    def past_events(self, container: str, since: float) -> tuple[Event, ...]:
        """Return the events of one container (id or name) from ``since`` (epoch seconds) until now."""
        ...

    def volumes(self) -> tuple[Volume, ...]:
        """Return all volumes."""
        ...

    def volume(self, name: str) -> Volume:
        """Return one volume."""
        ...

    def volume_users(self, name: str) -> tuple[Container, ...]:
        """Return the containers, running or not, that mount it."""
        ...

    def volume_sizes(self, seconds: float) -> dict[str, int]:
        """Return the bytes on disk of every volume by name; empty when that takes longer than ``seconds``."""
        ...

    def remove_volume(self, name: str) -> None:
        """Remove it with its data; ``PodmanSays`` while a container uses it."""
        ...

    def images(self) -> tuple[Image, ...]:
        """Return all images."""
        ...

    def image(self, ref: str) -> Image:
        """Return one image by id or tag."""
        ...

    def import_image(self, tar: bytes, tag: str, changes: Sequence[str]) -> str:
        """Make an image of a tar of its root file system; return its id."""
        ...
