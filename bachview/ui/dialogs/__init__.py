"""Dialogs that commands open."""
