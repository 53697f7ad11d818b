"""Adapters for each kind of file, and their decoders."""
