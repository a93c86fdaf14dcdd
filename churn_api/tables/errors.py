"""What is wrong with a table."""

from churn_api.contract.faults import Fault


class TableError(ValueError):
    """A file that is no table, or a cell that does not fit its column. Its text names no value of the table."""


class TooLarge(TableError):
    """A file that unfolds to more than is allowed."""


class TableFaults(TableError):
    """Columns that are missing, unknown or in each other's way; `faults` has one each, with the column as its path."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(_told(fault) for fault in faults))
        self.faults = faults


def _told(fault: Fault) -> str:
    place = f"column {str(fault.path[0])!r}: " if fault.path else ""
    return f"{place}{fault.message}" + (f" {fault.hint}" if fault.hint else "")
