"""``/v1/host``, ``/v1/series`` and ``/v1/doctor``: the machine, what was recorded of it, and what is wrong with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.errors import Unavailable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample, Series
from aistack_backend.wire.past import Past
from aistack_backend.wire.status import DoctorReport

router = APIRouter(prefix="/v1", tags=["machine"])


@router.get("/host", response_model=HostSample)
async def host(parts: Held) -> Response:
    """Return the newest sample of the machine."""
    sample = parts.bus.latest(Topic.HOST)
    if sample is None:
        raise Unavailable("The machine was not measured yet.", "Try again in a moment.")
    return Json(sample)


@router.get("/series/{name}", response_model=Series)
def series(
    parts: Held,
    name: Annotated[str, Path(max_length=200)],
    since: Annotated[float, Query(ge=0, le=1e11)] = 0.0,
) -> Response:
    """Return a recorded metric since then (0 = the last hour), oldest first; a name never recorded is empty."""
    return Json(parts.recorder.get().series(name, since))


@router.get("/past", response_model=Past)
def past(parts: Held, at: Annotated[float, Query(ge=0, le=1e11)]) -> Response:
    """Return what was recorded of a moment: services, containers, the machine, and what had happened."""
    return Json(parts.recorder.get().moment(at))


@router.get("/doctor", response_model=DoctorReport)
async def doctor(parts: Held) -> Response:
    """Check everything that can be wrong with this installation, each check with a limit of time."""
    return Json(await parts.doctor.get().report())
