"""Endpoints elsewhere that speak OpenAI's form: how they are asked, when they are not, and what they cost."""
