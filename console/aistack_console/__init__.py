"""The console: draws what the backend measured and sends what the operator decides."""

__version__ = "0.1.0"
