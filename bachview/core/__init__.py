"""Values and rules: no files, no threads, no toolkit. Any thread."""
