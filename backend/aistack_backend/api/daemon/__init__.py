"""The process around the API: one per data directory, its lock, its socket, its log, its end."""
