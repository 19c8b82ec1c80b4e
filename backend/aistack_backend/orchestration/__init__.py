"""Tasks and the agents that propose actions."""
