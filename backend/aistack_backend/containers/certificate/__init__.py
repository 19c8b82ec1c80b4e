"""The certificate that the stack's proxy shows: read over TLS, dated, renewed behind the gate."""
