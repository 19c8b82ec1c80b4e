"""What can go wrong between us and Podman, each as one sentence and what would mend it.

``PodmanDown``: nobody usable answers (absent, refused, hanging, garbage, died). ``PodmanSays``: Podman answered,
and its answer is no; the sentence is Podman's own.
"""

from __future__ import annotations

import json

from aistack_backend.errors import BackendError, Conflict, NotFound, Unavailable
from aistack_backend.wire.sources import SourceState

HINTS = {
    SourceState.ABSENT: "Install Podman and run `systemctl --user enable --now podman.socket`"
    " (as root: without --user), or set podman.url to its socket.",
    SourceState.REFUSED: "Start its API with `systemctl --user start podman.socket` (as root: without --user);"
    " where permission is denied, use your own user's socket.",
    SourceState.HANGING: "Look at `systemctl --user status podman.service` and at the machine's load.",
    SourceState.FAILED: "Look at `journalctl --user -u podman.service`; it is tried again by itself.",
}
NO_SUCH = (
    "image not known",
    "no such container",
    "no such volume",
    "no such image",
    "no container with",
    "no such object",
)


class PodmanDown(Unavailable):
    """Podman's API cannot be used now; ``state`` says how, ``tried`` where we looked."""

    type, title = "podman-unavailable", "Podman does not answer"

    def __init__(self, detail: str, state: SourceState, tried: str = "") -> None:
        super().__init__(detail, HINTS.get(state, ""))
        self.state = state
        self.tried = tried


class PodmanSays(Conflict):
    """Podman refused the call; the detail is its own sentence."""

    type, title = "podman-refused", "Podman refused"


def from_exception(error: BaseException, tried: str) -> PodmanDown:
    """Tell from an error and its causes how Podman is down; ``tried`` is the socket."""
    for cause in _causes(error):
        if isinstance(cause, FileNotFoundError):
            return PodmanDown(f"There is no socket {tried}.", SourceState.ABSENT, tried)
        if isinstance(cause, PermissionError):
            return PodmanDown(f"Permission denied on {tried}.", SourceState.REFUSED, tried)
        if isinstance(cause, ConnectionRefusedError):
            return PodmanDown(f"Nobody listens on {tried}.", SourceState.REFUSED, tried)
        if isinstance(cause, TimeoutError) or "timed out" in str(cause).lower():
            return PodmanDown(f"Podman on {tried} accepts and does not answer in time.", SourceState.HANGING, tried)
    return PodmanDown(f"The connection to {tried} broke: {_short(error)}.", SourceState.FAILED, tried)


def not_podman(what: str, tried: str) -> PodmanDown:
    """Say that the answer could not be read; ``what`` was asked."""
    detail = f"{tried}, asked to {what}, answered with something that is not Podman's API."
    return PodmanDown(detail, SourceState.FAILED, tried)


def from_answer(status: int, body: bytes, what: str, tried: str) -> BackendError:
    """Turn an HTTP error answer into NotFound or PodmanSays; PodmanDown when it is not in Podman's form.

    Podman 4.3 answers 500 for most refusals (name taken, still running, image missing): the text tells, not the
    status. And a bare 404 is no word of Podman's: that something is gone must be said, not concluded.
    """
    try:
        answer = json.loads(body)
        text = str(answer.get("message") or answer.get("cause") or "").strip()
    except (ValueError, AttributeError):
        text = ""
    if not text:
        return not_podman(what, tried)
    if status == 404 or any(words in text for words in NO_SUCH):
        return NotFound(f"Podman knows no such object: {text}.", "It may have been removed; look at the list again.")
    return PodmanSays(f"Podman refused to {what}: {text}.")


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        one = todo.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found


def _short(error: BaseException) -> str:
    last = _causes(error)[-1]
    return f"{type(last).__name__} {str(last)[:120]}".strip().rstrip(".")
