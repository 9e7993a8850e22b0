"""Full-text search: an index beside the store, derived by the change feed and rebuilt at will, never the truth."""
