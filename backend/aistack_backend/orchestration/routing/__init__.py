"""The coordinator: which way a question takes to its answer, why, what it cost and what left this machine for it."""
