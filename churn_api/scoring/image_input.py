"""An input that takes images: how pixels become a tensor."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from churn_api.scoring.tensor_spec import TensorSpec

GREY, COLOURS = 1, 3
MAX_SIDE = 4096
_RANK = 4
_WHITE = 255


class ImageInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which input takes images, their size, and how pixels are scaled: (pixel / 255 - mean) / scale, by channel.

    An input of bytes takes the pixels as they are.
    """

    input: str
    size: tuple[int, int]
    """Height and width, to which an image is fitted."""
    channels: int
    channels_first: bool
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.channels not in (GREY, COLOURS) or not all(0 < side <= MAX_SIDE for side in self.size):
            raise ValueError(f"an image has 1 or 3 channels, and sides of at most {MAX_SIDE:,} pixels")
        if not len(self.mean) == len(self.scale) == self.channels or 0 in self.scale:
            raise ValueError("mean and scale have a number for each channel, and scale is not 0")

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image in the input."""
        return (self.channels, *self.size) if self.channels_first else (*self.size, self.channels)

    def tensor(self, pixels: NDArray[np.uint8], spec: TensorSpec) -> NDArray[Any]:
        """The tensor of one image of shape (height, width, channels), as a batch of one."""
        values: NDArray[Any] = pixels
        if spec.is_float:
            values = (pixels / _WHITE - np.array(self.mean)) / np.array(self.scale)
        if self.channels_first:
            values = values.transpose(2, 0, 1)
        return np.ascontiguousarray(values[np.newaxis], dtype=spec.dtype)


def image_layout(spec: TensorSpec) -> tuple[int, bool] | None:
    """The number of channels of an input, and whether they come first; None where it takes no images."""
    if len(spec.shape) != _RANK or not (spec.is_float or spec.datatype == "UINT8"):
        return None
    for axis, first in ((1, True), (3, False)):
        if spec.shape[axis] in (GREY, COLOURS):
            return spec.shape[axis], first
    return None
