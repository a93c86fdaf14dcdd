"""What the checks of a table found: remarks, and columns to leave out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from churn_api.contract.remark import Remark


@dataclass
class Findings:
    """Remarks about a table, and the names of the columns that training leaves out."""

    wanted: frozenset[str] = frozenset()
    """Columns to keep, whatever they look like."""
    remarks: list[Remark] = field(default_factory=list)
    leave_out: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Cells that keep the table from being used, in words."""

    def drop(self, name: str, seen: str, option: str | None = None) -> None:
        """Leave out a column that is not wanted, with a remark."""
        if name not in self.wanted:
            self.leave_out.append(name)
            self.remarks.append(Remark(column=name, seen=seen, done="left out", option=option))

    def keep(self, names: Iterable[str], seen: str, done: str) -> None:
        """Keep suspicious columns, with a remark each that says how to leave them out."""
        self.remarks += [Remark(column=name, seen=seen, done=done, option=f"--exclude {name!r}") for name in names]
