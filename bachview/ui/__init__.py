"""The Qt window. Nothing below this package knows Qt."""

import builtins

import PySide6.QtCore  # noqa: F401

# PySide reads the source of every module that is imported after it, in search of the switches
# of ``from __feature__ import``, which nobody uses here. On the way it asks modules for
# attributes while another thread is still importing them; pydantic answers with an ImportError,
# and now and then a bundle could not be loaded after a start.
builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
