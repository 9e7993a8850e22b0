"""The FoundationDB engine: the port on the official binding (7.3) and a cluster of FoundationDB 7.3.

Imported by ``store.opening`` alone, and only when a store of this kind is opened; the binding's C library is loaded
then. All calls that wait run in a bounded pool of threads. Errors leave as ours: ``TransactionError`` by number, and
``UnavailableError`` where the cluster does not answer. The binding's network thread is one for the process: it is
started by the first engine and lives on. Source: FoundationDB 7.3 documentation, "Python API" and "Error codes".
"""
