"""Mutation check: small faults are put into the code, and the tests have to notice them."""
