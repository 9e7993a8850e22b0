"""Doctor: checks all that is stored against the records, and rebuilds what is derived from them."""
