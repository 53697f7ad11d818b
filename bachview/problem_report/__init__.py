"""Facts for a report of a problem, without patient data. Any thread but the GUI thread."""
