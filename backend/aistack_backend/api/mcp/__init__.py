"""The knowledge base as a server of the Model Context Protocol, by its official SDK: over HTTP and over stdio."""
