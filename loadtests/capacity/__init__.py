"""How many stations a machine carries, and what growth of the log costs. May import anything."""
