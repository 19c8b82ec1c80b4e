"""Ask the stack: what a chat reads for a question, by rules first, and how its proposals come before the gate."""
