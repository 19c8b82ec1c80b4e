"""Everything the console shows or does, without a terminal: one verb a module, one table of them all."""
