"""The backend's own log: one file, rotated, one line a record, no raw control byte in it."""

from __future__ import annotations

import logging
import re
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

SIZE = 4 * 1024 * 1024
KEPT = 4
"""Older files kept beside the newest."""
LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OneLine(logging.Formatter):
    """Shows control characters as escapes, so that nothing logged can forge a line or reach a terminal (R3.6)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; a traceback's lines are joined by ``\\n`` written out."""
        return CONTROL.sub(lambda found: repr(found.group())[1:-1], super().format(record))


def log_to(path: Path | None) -> None:
    """Send every log record to ``path`` (mode 0600), or to stderr when it is None."""
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        handler = RotatingFileHandler(path, maxBytes=SIZE, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(OneLine(LINE))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for noisy in ("uvicorn.error", "httpx", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
