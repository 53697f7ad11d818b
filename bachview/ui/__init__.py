"""The Qt window. Nothing below this package uses Qt."""

import builtins

import PySide6.QtCore  # noqa: F401

# PySide scans the source of every module imported after it for ``from __feature__ import``, which
# is not used here. In doing so it accesses attributes of modules that another thread is still
# importing; pydantic answers with an ImportError, so that now and then a bundle could not be loaded
# after the start.
builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
