"""Textual's switches, which it reads when it is imported: import this module before textual.

No animation and no smooth scroll (slow links, steady screens); what the operator has set wins.
"""

from __future__ import annotations

import os

SWITCHES = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", "TEXTUAL_FPS": "60"}

for _name, _value in SWITCHES.items():
    os.environ.setdefault(_name, _value)
