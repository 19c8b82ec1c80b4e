"""The hash-chained log of every request, decision, intent and outcome, and its witness."""
