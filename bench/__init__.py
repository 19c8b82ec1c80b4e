"""Measurements of the running product on this machine: ``make bench``, or ``python -m bench NAME…``.

Every measurement is bounded, removes what it made, and prints the load average beside its figures.
"""
