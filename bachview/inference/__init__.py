"""The plan of a run, the order of its patches, and the run itself."""
