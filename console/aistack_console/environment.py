"""Switches that are read early: import this module before textual.

No animation and no smooth scroll (slow links, steady screens). A changed screen is drawn within 4 ms instead of 17:
that timer stands still while nothing changes, and what comes often is held back by the screens. What the operator
has set wins. Python's threads change every 1 ms instead of 5, because Textual reads keys and writes the screen in
threads of their own, which wait for the loop while logs pour in.
"""

from __future__ import annotations

import os
import sys

SWITCHES = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", "TEXTUAL_FPS": "250"}
SWITCH_INTERVAL = 0.001

for _name, _value in SWITCHES.items():
    os.environ.setdefault(_name, _value)
sys.setswitchinterval(SWITCH_INTERVAL)
