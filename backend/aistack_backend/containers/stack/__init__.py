"""The stack of services: manifest, plan, apply."""
