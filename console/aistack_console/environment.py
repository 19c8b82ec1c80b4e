"""Switches that are read early: import this module before textual.

No animation and no smooth scroll (slow links, steady screens). A changed screen is drawn within 4 ms instead of 17:
that timer stands still while nothing changes, and what comes often is held back by the screens. What the operator
has set wins.
"""

from __future__ import annotations

import os

SWITCHES = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", "TEXTUAL_FPS": "250"}

for _name, _value in SWITCHES.items():
    os.environ.setdefault(_name, _value)
