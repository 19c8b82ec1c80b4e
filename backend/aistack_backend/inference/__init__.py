"""The local model: what is on disk, the engine wheel, the child process, chat."""
