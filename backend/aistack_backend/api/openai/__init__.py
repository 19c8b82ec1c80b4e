"""The local model in the form of OpenAI's API: wire forms, conversations, tools, streams and errors, one a file."""
