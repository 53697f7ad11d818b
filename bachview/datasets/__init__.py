"""Labelled photos and annotated slides: found, read, split."""
