"""Values and rules: no files, threads or GUI toolkit. Any thread."""
