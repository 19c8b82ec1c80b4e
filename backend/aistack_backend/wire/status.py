"""The backend about itself."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.sources import Source

API = 1
"""The major version of the API that this package speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What answers on the socket, and how its sources are doing."""

    version: str
    api: int = API
    """Major version of the API; another one refuses mutations."""
    epoch: str
    """Changes at every start of the backend."""
    pid: int
    started_at: float
    data_dir: str
    hostname: str
    operator: str
    """The caller's user name, from the kernel."""
    threshold: str = "medium"
    require_approval: bool = True
    pending_approvals: int = 0
    sources: tuple[Source, ...] = ()
    banner: str = ""
    """A sentence that must stay on screen (e.g. approval switched off, audit not writable); empty = none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor."""

    name: str
    ok: bool | None
    """None = could not be checked."""
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """All findings, worst first."""

    findings: tuple[Finding, ...] = ()
