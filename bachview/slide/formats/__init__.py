"""One adapter for each kind of file, and what they read it with."""
