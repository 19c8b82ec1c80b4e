"""The queue of samples: what a model may be trained on, after a person has looked at it.

A sample is made only of an answer that was judged good, or of a correction, and only where who asked consented. It is
cleaned of secrets and personal data when it is made, and again whenever a person changes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict, NotFound
from aistack_backend.learning import privacy
from aistack_backend.learning.lessons import Judged
from aistack_backend.learning.telemetry import LONGEST
from aistack_backend.learning.words import key
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import sample
from aistack_backend.wire.learning import Sample, SampleEdit, SampleList, SampleState

SHOWN = 50
MOST = 1_000
_MARK = re.compile(r"hmac:[0-9a-f]{12}")


class Review:
    """Belongs to any thread."""

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor

    def offer(self, lessons: Sequence[Judged]) -> int:
        """Put what is new among these into the queue; return how many that are."""
        wanted = [one for one in lessons if one.told.interaction.consent and one.right.strip() and _worth(one)]
        with self._database.tx() as connection:
            rows = connection.execute(select(sample.c.key, sample.c.interaction_id)).all()
            known, seen = {row.key for row in rows}, {row.interaction_id for row in rows}
            new: dict[str, dict[str, Any]] = {}
            for one in wanted:
                values = self._values(one)
                if values["question"].strip() and values["key"] not in known and one.told.id not in seen:
                    new.setdefault(values["key"], values)
            if new:
                connection.execute(insert(sample), list(new.values()))
        return len(new)

    def list(self, state: SampleState | None = SampleState.WAITING, most: int = SHOWN) -> SampleList:
        """Return samples of a state (None = of any), the oldest first, and the counts of all."""
        wanted = select(sample).order_by(sample.c.id).limit(min(most, MOST))
        if state is not None:
            wanted = wanted.where(sample.c.state == state.value)
        with self._database.read() as connection:
            found = tuple(_shown(row) for row in connection.execute(wanted))
            rows = connection.execute(select(sample.c.state, func.count()).group_by(sample.c.state)).all()
        counts: dict[str, int] = {row[0]: int(row[1]) for row in rows}
        return SampleList(
            samples=found,
            waiting=counts.get(SampleState.WAITING.value, 0),
            accepted=counts.get(SampleState.ACCEPTED.value, 0),
            dropped=counts.get(SampleState.DROPPED.value, 0),
        )

    def accept(self, number: int, by: str) -> Sample:
        """Let a sample be trained on; NotFound when there is none."""
        return self._set(number, by, state=SampleState.ACCEPTED.value)

    def drop(self, number: int, by: str) -> Sample:
        """Take a sample out; it is never offered again. NotFound when there is none."""
        return self._set(number, by, state=SampleState.DROPPED.value)

    def edit(self, number: int, request: SampleEdit, by: str) -> Sample:
        """Change a sample, clean it again, and accept it.

        Raises:
            BadInput: question or answer are empty or too long. NotFound: there is no such sample. Conflict: another
            sample says the same.
        """
        for name, text in (("question", request.question), ("answer", request.answer)):
            if not text.strip() or len(text) > LONGEST:
                raise BadInput(f"A sample's {name} has 1 to {LONGEST} characters.")
        (question, first), (answer, second) = self.clean(request.question), self.clean(request.answer)
        values = {"question": question, "answer": answer, "edited": 1, "redactions": first + second}
        return self._set(number, by, state=SampleState.ACCEPTED.value, key=key_of(question, answer), **values)

    def clean(self, text: str) -> tuple[str, int]:
        """Return a text without secrets and personal data, and how much was taken out."""
        marked = self._redactor.text(text)
        cleaned = privacy.without(marked)
        bare, secrets = _MARK.subn("[secret]", cleaned.text)
        return bare, secrets + len(cleaned.finds)

    def _values(self, one: Judged) -> dict[str, Any]:
        (question, first), (answer, second) = self.clean(one.told.interaction.query), self.clean(one.right)
        return {
            "interaction_id": one.told.id,
            "key": key_of(question, answer),
            "question": question,
            "answer": answer,
            "task_class": one.told.interaction.task_class,
            "redactions": first + second,
            "value": one.parts.value,
            "state": SampleState.WAITING.value,
            "made_at": self._clock.now(),
        }

    def _set(self, number: int, by: str, **values: Any) -> Sample:
        with self._database.tx() as connection:
            _alone(connection, number, values.get("key"))
            values |= {"reviewed_by": by, "reviewed_at": self._clock.now()}
            changed = connection.execute(update(sample).where(sample.c.id == number).values(**values).returning(sample))
            row = changed.first()
        if row is None:
            raise NotFound(f"There is no sample {number}.", "aistack-console learn review lists them.")
        return _shown(row)


def key_of(question: str, answer: str) -> str:
    """Return what two samples that say the same have in common."""
    return hashlib.sha256(f"{key(question)}\n{key(answer)}".encode()).hexdigest()


def _worth(one: Judged) -> bool:
    return one.parts.value is not None


def _alone(connection: Connection, number: int, wanted: str | None) -> None:
    if wanted is None:
        return
    other = connection.execute(select(sample.c.id).where(sample.c.key == wanted, sample.c.id != number)).scalar()
    if other is not None:
        raise Conflict(f"Sample {other} says the same.", f"Drop {number}, or say something else.")


def _shown(row: Row[Any]) -> Sample:
    return Sample(
        id=row.id,
        interaction_id=row.interaction_id,
        origin=row.origin,
        question=row.question,
        answer=row.answer,
        task_class=row.task_class,
        redactions=row.redactions,
        value=row.value,
        state=SampleState(row.state),
        edited=bool(row.edited),
        made_at=row.made_at,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
    )
