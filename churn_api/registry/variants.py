"""Variants: which of two versions beside each other has made a prediction."""

from typing import Literal

VariantName = Literal["live", "challenger", "shadow"]

LIVE_VARIANT: VariantName = "live"
"""Made by the live version, or by a version that the request names."""
CHALLENGER: VariantName = "challenger"
"""Made by the challenger, and returned to the client."""
SHADOW: VariantName = "shadow"
"""Made by the challenger beside the live version, and returned to nobody."""
