"""The panels beside the slide."""
