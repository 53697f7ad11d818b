"""Annotations in the files of other programs: one module for each format, and one table of them."""
