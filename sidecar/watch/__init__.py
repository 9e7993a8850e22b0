"""Watching a workspace: what is ignored, what is on disk, how that differs from the index, and when to look.

Knows repositories and models; knows nothing of HTTP, of the daemon or of settings.
"""
