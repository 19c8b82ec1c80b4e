"""Backup and restore: what is written, how it is proven, and what may come back in."""
