"""Remarks: what was assumed about a table, and the option that decides otherwise."""

import msgspec


def counted(count: int, noun: str) -> str:
    """A number of things in words: `1 row`, `1,200 rows`."""
    return f"{count:,} {noun}" + "s" * (count != 1)


class Remark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One assumption. It holds no cell of a person's: only markers, units and formats."""

    column: str | None = None
    """None where the remark is about the complete table."""
    seen: str
    """What the table has."""
    done: str
    """What was done about it."""
    option: str | None = None
    """What to write on the command line to decide otherwise."""

    @property
    def text(self) -> str:
        """The remark as one sentence."""
        subject = f"column {self.column!r} " if self.column is not None else ""
        otherwise = f" ({self.option})" if self.option else ""
        return f"{subject}{self.seen}: {self.done}{otherwise}"
