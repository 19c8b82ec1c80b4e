"""The probes of the rungs *ready* and *useful*: one module a kind, its keys as data, its code one function."""
