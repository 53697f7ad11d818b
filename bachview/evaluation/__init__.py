"""Evaluation of an ensemble: measures, intervals, reports."""
