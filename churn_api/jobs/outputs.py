"""Where a job's result goes in addition to the job's folder: a file below DATA_DIR."""

import filecmp
import os
import secrets
import shutil
from pathlib import Path

from churn_api.jobs.files import UNFINISHED
from churn_api.jobs.sources import path_below


class OutputError(ValueError):
    """The result may not be written there; the text says why and contains no path of this machine."""


class Outputs:
    """The files that jobs may write. No method replaces a file. Every method raises OutputError."""

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir

    def check(self, output: str) -> None:
        """Check that a result may be written to a path below DATA_DIR."""
        if os.path.lexists(self._path(output)):
            raise OutputError("there is a file already")

    def write(self, result: Path, output: str) -> None:
        """Copy a result; a file that has the same bytes already is one of an earlier attempt. Raises OSError."""
        path = self._path(output)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
        try:
            shutil.copyfile(result, unfinished)
            os.link(unfinished, path)  # a rename would replace what is there
        except FileExistsError as error:
            if not path.is_file() or not filecmp.cmp(result, path, shallow=False):
                raise OutputError("there is a file already") from error
        finally:
            unfinished.unlink(missing_ok=True)

    def _path(self, output: str) -> Path:
        if self._data_dir is None:
            raise OutputError("no folder is set that jobs may write to (DATA_DIR)")
        path = path_below(self._data_dir, output)
        if path is None or path == self._data_dir.resolve() or output.endswith("/"):
            raise OutputError("it must be a file below the data folder")
        return path
