"""The HTTP face on the operator's Unix socket: thin, no rules."""
