"""``http.fetch``: read one address of the public network, once, behind the gate (R4.6)."""
