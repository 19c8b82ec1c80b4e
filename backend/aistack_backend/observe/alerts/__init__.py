"""Alarms: rules over measured series, an inbox, the stack's Prometheus, and a check that each of them is alive."""
