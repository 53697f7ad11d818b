"""Faults that a day brings, made on purpose: ``make test-faults``."""
