"""The embedded engine: the port's contract kept on LMDB, for one process on one machine.

Imported by ``store.opening`` alone. The parts, from the bottom: ``atomics`` (arithmetic of the atomic operations),
``ranges`` (sets of key ranges), ``conflicts`` (who wrote what in the last seconds), ``write_map`` (a transaction's
own writes), ``environment`` (LMDB's edge: snapshots, growth, errors), ``watches``, ``writer`` (group commit),
``transaction``, ``engine``.
"""
