"""``federation.fetch``: one bundle from a public address into quarantine, behind the gate."""
