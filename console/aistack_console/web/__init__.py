"""The same console in a browser: our own door around textual-serve, which has none."""
