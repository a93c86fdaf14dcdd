"""Variants: why a version has made a prediction, while two versions of a model run side by side."""

from typing import Literal

VariantName = Literal["live", "control", "challenger", "shadow"]

LIVE_VARIANT: VariantName = "live"
"""Made by the live version, or by a version that the request names: no split has decided that."""
CONTROL: VariantName = "control"
"""Made by the live version, for a customer whom the split of an experiment has given to it."""
CHALLENGER: VariantName = "challenger"
"""Made by the challenger, for a customer whom the split has given to it."""
SHADOW: VariantName = "shadow"
"""Made by the challenger in addition to the live version, and returned to no one."""
