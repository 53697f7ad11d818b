"""Engines that run the networks of a bundle."""
