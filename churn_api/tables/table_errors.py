"""What is wrong with a table."""

from churn_api.contract.faults import Fault

KEEP = "keep"
"""Under which requests name the columns to keep."""


class TableError(ValueError):
    """A file that is no table, or a cell that does not fit its column. Its text names no value of the table."""


class TooLarge(TableError):
    """A file that decompresses to more than is allowed, or a table that its format cannot hold."""


class BadRow(TableError):
    """A row that is no row of a table. The text says where it stands in the file; `row` and `complaint`, what it is."""

    def __init__(self, message: str, row: int, complaint: str) -> None:
        super().__init__(message)
        self.row = row
        """From 0, within the block that was read."""
        self.complaint = complaint

    def at(self, number: int) -> TableError:
        """The same of a file in which the block's first row has this number."""
        return TableError(f"row {number + self.row}: {self.complaint}")


class TableFaults(TableError):
    """Columns that are missing, unknown or in each other's way; `faults` has one each.

    Its path is a column that the signature names, or the position of a name among those to keep.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(_told(fault) for fault in faults))
        self.faults = faults


def concerns_keep(fault: Fault) -> bool:
    """Whether a name to keep is at fault, and no column."""
    return fault.path[:1] == (KEEP,) and len(fault.path) > 1


def _told(fault: Fault) -> str:
    place = f"column {str(fault.path[0])!r}: " if fault.path else ""
    if concerns_keep(fault):
        place = f"{KEEP}: "
    return f"{place}{fault.message}" + (f" {fault.hint}" if fault.hint else "")
