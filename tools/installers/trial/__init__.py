"""Tries the Linux packages in clean systems, as a user would: ``make installer-test``."""
