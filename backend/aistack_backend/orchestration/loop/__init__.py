"""The loop: an agent works on one goal in a sandbox, pass after pass, until a person's proof passes or a limit."""
