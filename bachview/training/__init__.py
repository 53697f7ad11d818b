"""Data sets, fitting, calibration and measuring of the ensemble."""
