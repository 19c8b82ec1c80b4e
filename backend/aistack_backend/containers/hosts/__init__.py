"""Other machines: their Podman behind an ssh tunnel of ours, and one fleet of all of them."""
