"""Fitting and calibration of the ensemble."""
