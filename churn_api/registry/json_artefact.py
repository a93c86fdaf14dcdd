"""Optional JSON files of a bundle, which are read when they are asked for: a worker does not keep them in memory."""

from pathlib import Path
from typing import TypeVar

import msgspec

from churn_api.registry.bundle import BundleError, read_artefact
from churn_api.registry.card_kinds import AnyCard

MAX_BYTES = 2_000_000
"""A larger file is none that packaging wrote: those have 10 to 40 KB."""

Content = TypeVar("Content", bound=msgspec.Struct)


def read_json_artefact(folder: Path, card: AnyCard, name: str, kind: type[Content], what: str) -> Content | None:
    """A JSON file of a bundle, checked by its digest; None where the bundle has none. `what` is what it should be.

    Raises BundleError.
    """
    if name not in card.files:
        return None
    try:
        if (folder / name).stat().st_size > MAX_BYTES:
            raise BundleError(f"{name} has more than {MAX_BYTES:,} bytes")
        return msgspec.json.decode(read_artefact(folder, card, name), type=kind)
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BundleError(f"{name} is not {what}") from error
