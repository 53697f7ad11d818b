"""How good an ensemble is: measures, intervals, reports."""
