"""``main.py NAME``: serve the stand-in of that name."""

from __future__ import annotations

import importlib
import sys

from face import serve

serve(sys.argv[1], importlib.import_module(sys.argv[1]).FACES)
