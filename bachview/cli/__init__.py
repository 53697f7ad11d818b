"""The commands. What they need is imported inside them, so that ``--help`` answers at once."""
