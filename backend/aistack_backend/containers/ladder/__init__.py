"""The health ladder: what is measured of a service, rung by rung."""
