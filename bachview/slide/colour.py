"""Transforms from embedded ICC profiles to sRGB."""

import io
import logging
import threading
from collections.abc import Callable

import numpy as np

from bachview.slide.reader import RGB

_log = logging.getLogger(__name__)


def srgb_transform(profile: bytes | None) -> Callable[[RGB], RGB] | None:
    """A function that converts the slide's colours to sRGB; None if no conversion is needed.

    The function may be called from any thread, in parallel; it returns a new array. For a profile
    that cannot be used, a warning is logged and None returned: colours are shown raw.

    Parameters
    ----------
    profile : the ICC profile embedded in the slide.
    """
    if not profile:
        return None
    from PIL import Image, ImageCms

    def build() -> "ImageCms.ImageCmsTransform":
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            "RGB",
            "RGB",
            ImageCms.Intent.PERCEPTUAL,
        )

    try:
        build()
    except (ImageCms.PyCMSError, OSError, ValueError):
        _log.warning("the ICC profile of a slide cannot be used; its colours are shown raw")
        return None
    # LittleCMS keeps a one-pixel cache in the transform, so each thread needs its own.
    local = threading.local()

    def to_srgb(rgb: RGB) -> RGB:
        transform = getattr(local, "transform", None)
        if transform is None:
            transform = local.transform = build()
        picture = Image.fromarray(rgb)
        ImageCms.applyTransform(picture, transform, inPlace=True)
        return np.array(picture)

    return to_srgb
