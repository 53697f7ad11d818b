"""The disk image, for dmgbuild: the application, and the folder that it is dragged to.

    dmgbuild -s packaging/macos/dmg_settings.py -D app=dist/bachview.app bachview dist/bachview.dmg

dmgbuild runs this file and takes its variables.
"""

from pathlib import Path

application = Path(defines["app"])  # noqa: F821  # given by dmgbuild

files = [str(application)]
symlinks = {"Applications": "/Applications"}
icon = str(application / "Contents" / "Resources" / "bachview.icns")
icon_locations = {application.name: (140, 150), "Applications": (400, 150)}
format = "ULFO"  # noqa: A001  # LZFSE; macOS 10.11 and newer
filesystem = "APFS"
background = "builtin-arrow"
window_rect = ((200, 200), (540, 330))
default_view = "icon-view"
show_icon_preview = False
include_icon_view_settings = True
arrange_by = None
label_pos = "bottom"
text_size = 13
icon_size = 96
