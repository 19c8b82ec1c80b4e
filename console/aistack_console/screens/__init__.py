"""Screens, one a file, with the layout in a ``.tcss`` beside it; they do no I/O themselves."""
