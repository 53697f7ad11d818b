"""The view of a slide."""
