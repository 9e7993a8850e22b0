"""Ordered key-value transactions, and nothing of our records: this room could be a package of its own."""
