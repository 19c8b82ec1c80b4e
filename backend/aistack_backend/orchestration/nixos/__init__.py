"""``nixos.import``: read what is published about NixOS from a URL into the index, behind the gate."""
