"""What is published about NixOS, kept here: packages, options, manuals. Nothing is asked of anybody at a search."""
