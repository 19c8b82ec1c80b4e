"""Self-heal: restarts what failed, within a policy that cannot storm, through the same gate as everybody (R5.6)."""
