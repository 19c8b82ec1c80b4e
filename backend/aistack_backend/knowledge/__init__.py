"""Documents that the stack may look things up in: read, cut into pieces, searched by words and by meaning."""
