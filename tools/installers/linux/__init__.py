"""Packages for Linux: what they contain, and how each is made."""
