"""Programs that the frozen program starts get the system's libraries.

The loader of the frozen program puts its own folder into LD_LIBRARY_PATH. That has been read when
Python starts; a file manager that inherited it would load libraries that it was not built with.
"""

import os

_before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if _before is not None:
    os.environ["LD_LIBRARY_PATH"] = _before
elif "LD_LIBRARY_PATH" in os.environ:
    del os.environ["LD_LIBRARY_PATH"]
