"""The bundle on disk, its verification, the engines that run it, the ensemble."""
