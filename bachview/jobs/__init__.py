"""Lanes, tokens, progress: threads without Qt."""
