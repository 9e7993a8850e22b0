"""The daemon as one object that builds, runs and closes everything, and its life as the operating system sees it."""
