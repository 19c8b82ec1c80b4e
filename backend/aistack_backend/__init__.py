"""The embedded backend of aistack-console: orchestration, inference and the gate in front of both."""

__version__ = "0.1.0"
