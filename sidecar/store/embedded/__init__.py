"""The embedded engine: the port's contract kept on LMDB, for one process on one machine.

Imported by ``store.opening`` alone. The parts, from the bottom: ``atomics`` (arithmetic of the atomic operations),
``ranges`` (sets of key ranges), ``conflicts`` (who wrote what in the last seconds), ``write_map`` (a transaction's
own writes), ``environment`` (LMDB's edge: snapshots, growth, errors), ``selectors`` and ``overlay`` (reads the short
way), ``segments`` and ``walk`` (reads step by step as FoundationDB's client takes them), ``watches``, ``writer``
(group commit), ``reader`` and ``transaction``, ``engine``; beside them ``lock_file``, ``loose_pages`` and
``inspection`` (looking at a file without trusting it), and ``create`` (opening and restoring).
"""
