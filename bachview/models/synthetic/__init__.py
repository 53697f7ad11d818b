"""Bundles made without training: for the self-test and for measurements."""
