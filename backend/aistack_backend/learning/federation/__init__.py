"""Federation: what was learned goes from one installation to another in signed files, and waits there (ADR 0042)."""
