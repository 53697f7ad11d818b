"""Lanes, tokens, progress: threads without Qt. See DESIGN decisions in the README."""
