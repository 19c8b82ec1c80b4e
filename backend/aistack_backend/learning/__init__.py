"""What is learned from what was asked, and how it is undone."""
