"""Colours, icons and small widgets."""
