"""Tables on SQLite (WAL, synchronous FULL) or PostgreSQL, through SQLAlchemy Core."""
