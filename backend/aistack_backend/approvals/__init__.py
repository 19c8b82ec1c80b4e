"""The gate: the action record and its hash, risk, policy, decisions. Nothing runs that was not allowed here."""
