"""Our own eleven roles: each a small site of its own, served in a container, by the backend, or on both."""
