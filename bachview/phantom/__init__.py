"""Drawn slides whose classes are known."""
