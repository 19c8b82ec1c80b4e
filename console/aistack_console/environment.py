"""Textual's switches, which it reads when it is imported: import this module before textual.

No animation and no smooth scroll (slow links, steady screens); a changed screen is drawn within 8 ms instead of 17
(the timer stands still while nothing changes); what the operator has set wins.
"""

from __future__ import annotations

import os

SWITCHES = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", "TEXTUAL_FPS": "120"}

for _name, _value in SWITCHES.items():
    os.environ.setdefault(_name, _value)
