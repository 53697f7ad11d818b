"""Synthetic slides with known classes."""
