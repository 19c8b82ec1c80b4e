"""Takes the text out of the PDF on standard input; run by path in a confined child, with nothing of ours.

Each line of its output is one JSON object: ``title``, ``page`` with its ``text``, then ``pages``; or ``fault``, a word.
"""

import io
import json
import logging
import sys

MOST_PAGES = 5_000


def say(**told: object) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(told) + "\n")


def main() -> None:
    """Read, and tell page by page."""
    logging.disable(logging.CRITICAL)
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        say(fault="encrypted")
        return
    count = len(reader.pages)
    if count > MOST_PAGES:
        say(fault="pages", pages=count)
        return
    title = reader.metadata.title if reader.metadata else None
    say(title=title if isinstance(title, str) else "")
    for number, page in enumerate(reader.pages, 1):
        say(page=number, text=page.extract_text())
    say(pages=count)


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        say(fault="memory")
    except RecursionError:
        say(fault="nested")
    except Exception as error:
        say(fault="broken", why=f"{type(error).__name__}: {error}"[:200])
    sys.stdout.flush()
