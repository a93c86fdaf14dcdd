"""The faults of a job's bad rows: as many as fit into MAX_JOB_ERRORS_BYTES, and the number of the others."""

from collections.abc import Sequence
from typing import Any

import orjson

from churn_api.jobs.files import JobFiles
from churn_api.jobs.job import Request
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.serving.scoring_progress import Progress


class BadRows(Exception):
    """The job has bad rows and `on_error` is `fail`; their faults have been written to disk."""


class RowErrors:
    """The faults of one job's bad rows, one per line. Every method raises OSError."""

    def __init__(self, files: JobFiles, request: Request, max_bytes: int, progress: Progress) -> None:
        self._files = files
        self._skip = request.on_error == "skip"
        # After the first omitted fault, all further ones are omitted: the file has the first faults without a gap.
        self._room = 0 if progress.more_errors else max_bytes - files.errors_bytes(progress.blocks)
        self.more = progress.more_errors
        """Number of omitted faults."""

    def keep(self, scored: ScoredBlock, errors: Sequence[dict[str, Any]]) -> None:
        """Write the faults of a block's rows. Raises BadRows where they end the job."""
        kept = self._fitting(errors, scored.more_faults)
        if not scored.bad_rows or self._skip:
            if kept:
                self._files.write_errors(scored.block.number, kept)
            return
        self._files.write_all_errors([kept], self.more)
        raise BadRows(f"{scored.bad_rows} rows are not valid; nothing is scored because on_error is `fail`")

    def join(self, blocks: int) -> None:
        """Join the faults of all blocks into one file."""
        self._files.join_errors(blocks, self.more)

    def _fitting(self, errors: Sequence[dict[str, Any]], more: int) -> bytes:
        """The first lines that fit; the others, and `more`, are counted as omitted."""
        kept = bytearray()
        for number, error in enumerate(errors):
            line = orjson.dumps(error, option=orjson.OPT_APPEND_NEWLINE)
            if len(line) > self._room:
                more += len(errors) - number
                break
            kept += line
            self._room -= len(line)
        if more:
            self._room = 0
            self.more += more
        return bytes(kept)
