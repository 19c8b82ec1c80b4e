"""``knowledge.import``: read a page or a repository into the knowledge base, behind the gate."""
