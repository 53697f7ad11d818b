"""Bundles on disk, their verification, the engines that run them, and the ensemble."""
