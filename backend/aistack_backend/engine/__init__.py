"""Durable execution: DBOS, the lease, the effect ledger. Nothing else imports dbos."""
