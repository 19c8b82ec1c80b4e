"""Switches that are read early: import this module before textual.

No animation and no smooth scroll (slow links, steady screens). A changed screen is drawn within 1 ms instead of 17:
that timer stands still while nothing changes, and what comes often is held back by the screens. What the operator
has set wins. Python's threads change every 0.5 ms instead of 5: Textual reads keys in a thread of its own, which
must not wait for a loop that takes in a flood of lines.
"""

from __future__ import annotations

import os
import sys

SWITCHES = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", "TEXTUAL_FPS": "1000"}
SWITCH_INTERVAL = 0.0005
"""Seconds."""

for _name, _value in SWITCHES.items():
    os.environ.setdefault(_name, _value)
sys.setswitchinterval(SWITCH_INTERVAL)
