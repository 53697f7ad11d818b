"""What the administrator of this computer has set: defaults, and locks that users cannot undo."""
