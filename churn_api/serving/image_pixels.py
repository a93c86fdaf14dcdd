"""A PNG or JPEG file -> the pixels of an image, by Pillow, within bounds that are checked before it is decoded."""

import io
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from churn_api.scoring.image_input import COLOURS, ImageInput

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG"}
"""Media types of images, with Pillow's names of their formats."""
MAX_PIXELS = 25_000_000
"""Pixels of an image, decoded or not: a file of a few kilobytes may declare a billion."""


MAX_SCANS = 50
"""Scans of a JPEG: each takes a pass over all pixels, and few bytes. Programs write about ten."""
_TOO_MANY_PIXELS = f"an image may have {MAX_PIXELS:,} pixels"
_SCAN = b"\xff\xda"


class NoImage(Exception):
    """The file is no image that can be read; the text quotes nothing of it."""


class ImageTooLarge(Exception):
    """The image has more than MAX_PIXELS pixels, or MAX_SCANS scans."""


class ImagesUnsupported(Exception):
    """Pillow is not installed; the text says what to install."""


def read_pixels(data: bytes, wanted: ImageInput) -> NDArray[np.uint8]:
    """The pixels, shape (height, width, channels), of an image that is cropped in its middle and resized to fit.

    Transparency is left out. Raises NoImage, ImageTooLarge or ImagesUnsupported.
    """
    if find_spec("PIL") is None:
        raise ImagesUnsupported("this server reads no images: pip install 'churn-api[images]'")
    with warnings.catch_warnings():
        # Pillow warns of what it then reads; the bound here is lower than its own.
        warnings.simplefilter("ignore")
        return _fitted(data, wanted)


def _fitted(data: bytes, wanted: ImageInput) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    height, width = wanted.size
    try:
        with Image.open(io.BytesIO(data), formats=tuple(IMAGE_TYPES.values())) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise ImageTooLarge(_TOO_MANY_PIXELS)
            if opened.format == "JPEG" and data.count(_SCAN) > MAX_SCANS:
                raise ImageTooLarge(f"a JPEG may have {MAX_SCANS} scans")
            fitted = ImageOps.fit(_converted(opened, wanted.channels), (width, height), Image.Resampling.BILINEAR)
    except ImageTooLarge:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(_TOO_MANY_PIXELS) from error
    except Exception as error:  # a decoder of damaged bytes raises many kinds
        raise NoImage("the file is no PNG or JPEG that can be read") from error
    return np.asarray(fitted, np.uint8).reshape(height, width, wanted.channels)


def _converted(opened: "Image", channels: int) -> "Image":
    """The image in the channels that are wanted."""
    return opened.convert("RGB" if channels == COLOURS else "L")
