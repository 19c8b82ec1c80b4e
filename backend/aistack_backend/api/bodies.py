"""Request bodies, read strictly: ``true`` is no number, ``"5"`` neither, and half a character is no text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from pydantic import BeforeValidator

from aistack_backend.wire.actions import ActionRequest, DecideRequest, EditRequest, GoalRequest, GoOnRequest
from aistack_backend.wire.alerts import SnoozeRequest
from aistack_backend.wire.boot import PlanRequest
from aistack_backend.wire.chat import SayRequest, SessionChange
from aistack_backend.wire.knowledge import AddRequest, SearchRequest, SweepRequest
from aistack_backend.wire.learning import DatasetRequest, JudgeRequest, RollBackRequest, SampleEdit
from aistack_backend.wire.nixos import NixImportRequest, NixQuestion
from aistack_backend.wire.routing import FeedbackRequest, LockRequest, RouteRequest
from aistack_backend.wire.rules import RuleRequest
from aistack_backend.wire.shelf import FetchRequest, RemoveRequest
from aistack_backend.wire.stack import CheckRequest, UseRequest
from aistack_backend.wire.traces import SpanReport


def strictly(kind: type) -> Callable[[Any], Any]:
    """Return what turns parsed JSON into ``kind``; unknown fields are ignored, unknown words become UNKNOWN."""

    def read(value: Any) -> Any:
        try:
            json.dumps(value, ensure_ascii=False).encode()
            return msgspec.convert(value, kind)
        except UnicodeEncodeError as error:  # JSON can escape it, no database or hash can take it
            raise ValueError("it holds half a character (a lone surrogate)") from error
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error

    return read


Wish = Annotated[ActionRequest, BeforeValidator(strictly(ActionRequest))]
Measured = Annotated[SpanReport, BeforeValidator(strictly(SpanReport))]
Snoozing = Annotated[SnoozeRequest, BeforeValidator(strictly(SnoozeRequest))]
Decision = Annotated[DecideRequest, BeforeValidator(strictly(DecideRequest))]
Edit = Annotated[EditRequest, BeforeValidator(strictly(EditRequest))]
GoOn = Annotated[GoOnRequest, BeforeValidator(strictly(GoOnRequest))]
Goal = Annotated[GoalRequest, BeforeValidator(strictly(GoalRequest))]
Planning = Annotated[PlanRequest, BeforeValidator(strictly(PlanRequest))]
Checking = Annotated[CheckRequest, BeforeValidator(strictly(CheckRequest))]
Using = Annotated[UseRequest, BeforeValidator(strictly(UseRequest))]
RuleWish = Annotated[RuleRequest, BeforeValidator(strictly(RuleRequest))]
FetchWish = Annotated[FetchRequest, BeforeValidator(strictly(FetchRequest))]
Removal = Annotated[RemoveRequest, BeforeValidator(strictly(RemoveRequest))]
Saying = Annotated[SayRequest, BeforeValidator(strictly(SayRequest))]
Adding = Annotated[AddRequest, BeforeValidator(strictly(AddRequest))]
Searching = Annotated[SearchRequest, BeforeValidator(strictly(SearchRequest))]
Asking = Annotated[RouteRequest, BeforeValidator(strictly(RouteRequest))]
Judging = Annotated[FeedbackRequest, BeforeValidator(strictly(FeedbackRequest))]
Locking = Annotated[LockRequest, BeforeValidator(strictly(LockRequest))]
Sweeping = Annotated[SweepRequest, BeforeValidator(strictly(SweepRequest))]
Changing = Annotated[SessionChange, BeforeValidator(strictly(SessionChange))]
RollingBack = Annotated[RollBackRequest, BeforeValidator(strictly(RollBackRequest))]
SampleEditing = Annotated[SampleEdit, BeforeValidator(strictly(SampleEdit))]
AnswerJudging = Annotated[JudgeRequest, BeforeValidator(strictly(JudgeRequest))]
Exporting = Annotated[DatasetRequest, BeforeValidator(strictly(DatasetRequest))]
NixAsking = Annotated[NixQuestion, BeforeValidator(strictly(NixQuestion))]
NixReading = Annotated[NixImportRequest, BeforeValidator(strictly(NixImportRequest))]
