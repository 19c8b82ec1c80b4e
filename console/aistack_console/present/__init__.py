"""Presenters: pure functions from a snapshot to rows; no textual, no httpx."""
