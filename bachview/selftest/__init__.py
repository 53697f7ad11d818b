"""The self-test that a user can run: right classes, right place, nothing lost."""
