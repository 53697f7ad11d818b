"""The self-test: does this installation say what it must, where it must? Knows no Qt."""
