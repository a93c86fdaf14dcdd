"""Errors of tables."""

from churn_api.contract.faults import Fault

KEEP = "keep"
"""The request parameter that names the columns to keep."""


def numbered(row: int, line: int | None) -> str:
    """A row's number in words, with the line where it begins in a text unless that is the same number."""
    return f"row {row}" if line in (None, row) else f"row {row} (line {line})"


class TableError(ValueError):
    """A file that is not a table, or a cell that does not fit its column. The text contains no value of the table."""


class TooLarge(TableError):
    """A file that decompresses to more than allowed, or a table that exceeds the limits of its format."""


class UnreadableColumn(TableError):
    """A column of a type that has no single values. The text has its position; `name` is for those who own the file."""

    def __init__(self, number: int, name: str) -> None:
        super().__init__(f"column {number} holds no single values: only text, numbers and booleans can be read")
        self.name = name


class BadRow(TableError):
    """An unparsable row. The text has its position in the file; `row` and `complaint` do not."""

    def __init__(self, message: str, row: int, complaint: str, line: int | None = None) -> None:
        super().__init__(message)
        self.row = row
        """From 0, within the block that was read."""
        self.complaint = complaint
        self.line = line
        """The line of a text that the complaint is about, from 1, within the file."""

    def with_row_number(self, number: int) -> TableError:
        """An error with the row's number in the file, where the block's first row has this number."""
        return TableError(f"{numbered(number + self.row, self.line)}: {self.complaint}")


class TableFaults(TableError):
    """Columns that are missing, unknown or clash; `faults` has one fault each.

    A fault's path is a column of the signature, or the position of a name among the columns to keep.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(_line(fault) for fault in faults))
        self.faults = faults


def concerns_keep(fault: Fault) -> bool:
    """Whether a fault concerns a name to keep rather than a column of the table."""
    return fault.path[:1] == (KEEP,) and len(fault.path) > 1


def _line(fault: Fault) -> str:
    subject = f"column {str(fault.path[0])!r}: " if fault.path else ""
    if concerns_keep(fault):
        subject = f"{KEEP}: "
    return f"{subject}{fault.message}" + (f" {fault.hint}" if fault.hint else "")
