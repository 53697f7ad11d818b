"""Labelled photos and annotated slides: finding, reading and splitting them."""
