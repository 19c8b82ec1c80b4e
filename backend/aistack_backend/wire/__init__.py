"""What crosses the operator's socket: frozen dataclasses and StrEnums, standard library only.

The console imports nothing of the backend but this package. Unknown fields are ignored and unknown enum
values become ``UNKNOWN``, so that a console and a backend may differ by a version.
Times are seconds since the epoch (float, UTC); durations are seconds (float); memory is bytes (int).
``None`` means *not measured*: it is drawn as unknown, never as 0.
"""
