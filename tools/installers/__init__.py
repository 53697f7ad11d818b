"""Builds and tries the installers; only developers and the release run it."""
