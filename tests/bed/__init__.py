"""What end-to-end tests lie on: a terminal, a backend of their own, containers of their own."""
