"""The Qt window. Nothing below this package knows Qt."""
