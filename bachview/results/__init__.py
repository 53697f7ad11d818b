"""The store of predictions, summaries and exports."""
