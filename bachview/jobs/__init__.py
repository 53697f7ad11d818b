"""Lanes, tokens and progress: threads without Qt."""
