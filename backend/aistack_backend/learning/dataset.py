"""The accepted samples as a file that trainers read: one chat in JSON a line, and a manifest beside it.

A line is ``{"messages": [system, user, assistant], "metadata": {…}}``. Files are 0600. The manifest
(``….manifest.json``) says how many lines there are and their sha256, so that a dataset that was changed is known.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict
from aistack_backend.learning.review import Review
from aistack_backend.store.database import Database
from aistack_backend.store.files import replace_file
from aistack_backend.store.learning_tables import sample
from aistack_backend.wire.learning import Dataset, SampleState

SYSTEM = "You answer questions of the operators of a local AI stack, briefly and correctly."
FORM = "aistack-dataset-1"


def lines(database: Database, review: Review) -> list[str]:
    """Return the dataset's lines; each is cleaned once more, with what is known as a secret now."""
    wanted = select(sample).where(sample.c.state == SampleState.ACCEPTED.value).order_by(sample.c.id)
    with database.read() as connection:
        rows = connection.execute(wanted).all()
    return [_line(row, review) for row in rows]


def export(database: Database, review: Review, clock: Clock, path: str, threshold: int) -> Dataset:
    """Write the dataset and its manifest, both 0600, and return what was written.

    Raises:
        BadInput: the path is not absolute, or cannot be written. Conflict: no sample was accepted, or the file is
        there.
    """
    where = Path(path)
    if not where.is_absolute() or "\0" in path:
        raise BadInput(f"{path[:200]!r} is no absolute path.", "The backend has another working folder than you.")
    manifest = where.with_name(f"{where.name}.manifest.json")
    if not (told := lines(database, review)):
        raise Conflict("No sample was accepted yet.", "aistack-console learn review lists what waits.")
    if where.exists() or manifest.exists():
        raise Conflict(f"{where} or its manifest is there already.", "Name a new file.")
    data = "".join(f"{line}\n" for line in told).encode()
    digest = hashlib.sha256(data).hexdigest()
    facts = {"form": FORM, "file": where.name, "count": len(told), "sha256": digest, "made_at": clock.now()}
    try:
        for file, content in ((where, data), (manifest, f"{json.dumps(facts, indent=1)}\n".encode())):
            with replace_file(file) as out:
                out.write(content)
    except OSError as error:
        raise BadInput(f"{where} cannot be written: {error.strerror}.", "Name a file in a folder of yours.") from error
    return Dataset(path=str(where), manifest=str(manifest), count=len(told), sha256=digest, threshold=threshold)


def _line(row: Row[Any], review: Review) -> str:
    question, answer = review.clean(row.question)[0], review.clean(row.answer)[0]
    said = (("system", SYSTEM), ("user", question), ("assistant", answer))
    return json.dumps(
        {
            "messages": [{"role": role, "content": text} for role, text in said],
            "metadata": {
                "sample": row.id,
                "interaction": row.interaction_id,
                "origin": row.origin,
                "task_class": row.task_class,
                "value": row.value,
                "edited": bool(row.edited),
                "redactions": row.redactions,
            },
        },
        ensure_ascii=False,
        sort_keys=True,
    )
