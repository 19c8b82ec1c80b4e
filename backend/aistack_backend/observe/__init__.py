"""The machine, its GPUs, and the recorder."""
