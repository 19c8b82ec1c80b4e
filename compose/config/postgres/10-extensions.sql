-- Vectors beside rows, where the server has pgvector; the stack works without it (Qdrant holds the vectors then).
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
    END IF;
END
$$;
