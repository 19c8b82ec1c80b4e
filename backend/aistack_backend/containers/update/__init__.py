"""Updates and rollbacks: a newer image gets its chance behind a health gate; the earlier one comes back by itself."""
