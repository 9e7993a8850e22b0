"""Use cases that span repositories; they open the transactions. They know no HTTP."""
