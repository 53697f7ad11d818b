"""The windows that a command opens."""
