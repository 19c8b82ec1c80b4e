"""Podman: the port, its adapters, the watcher, and the tools that act on containers."""
