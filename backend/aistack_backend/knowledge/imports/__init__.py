"""What is read into the knowledge base from elsewhere: git repositories, and the rules for which files."""
