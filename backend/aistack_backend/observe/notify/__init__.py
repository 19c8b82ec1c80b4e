"""Telling a person that something waits: a webhook and the desktop, with our own words only."""
