"""Pixels in: adapters, metadata, display tiles, tissue, patches."""
