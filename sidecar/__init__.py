"""Sidecar: one small local-first daemon that keeps what a developer was doing."""

__version__ = "0.1.0"
