"""The self-test: whether this installation gives the right results. Does not use Qt."""
