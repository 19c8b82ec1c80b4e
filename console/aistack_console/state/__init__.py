"""What the console knows: the newest snapshot of each topic, and how old it is."""
