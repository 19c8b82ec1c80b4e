"""Workflows: files that say what is done in which order, and the driver that does it through the one gate."""
