"""Where vectors are searched: our own table by NumPy, or a copy of it in pgvector or Qdrant."""
