"""One run of a job: joins the parts of earlier attempts, then scores and joins the rest, within the job's limits."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa

from churn_api.contract.size_limits import MAX_COLUMNS, Bounds
from churn_api.jobs.files import JobFiles, atomic_write
from churn_api.jobs.job import Lease, Request
from churn_api.jobs.job_limits import JobLimits
from churn_api.jobs.outputs import Outputs
from churn_api.jobs.row_errors import RowErrors
from churn_api.jobs.score_part import part_format, score_into
from churn_api.jobs.sources import Sources
from churn_api.registry.bundle import read_card
from churn_api.serving.call_list import MergedList, write_call_list
from churn_api.serving.call_list_options import CallList, CallListTotals, ListedGroups
from churn_api.serving.engine import Check, Engine
from churn_api.serving.predicted_rows import LogMode
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.serving.scoring_progress import Progress, finished_blocks, initial_progress
from churn_api.serving.table_scorer import ScoringTask, encode_result, result_schema
from churn_api.tables.blocks import blocks
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.layout import open_table
from churn_api.tables.read_options import ReadOptions
from churn_api.tables.writers import Joiner


def _record_nothing(_: ListedGroups) -> bool:
    """Of lists, where no predictions are logged."""
    return False


def _unchecked(model: str, version: str, totals: CallListTotals) -> CallListTotals:
    """What a list amounts to, where no outcomes are known."""
    return totals


class Resources(NamedTuple):
    """What all jobs are scored with."""

    sources: Sources
    engine: Engine
    models_dir: Path
    limits: JobLimits
    outputs: Outputs = Outputs(None)
    log_mode: LogMode = "off"
    """What of the predictions is logged."""
    record_list: Callable[[ListedGroups], bool] = _record_nothing
    """Remembers who is on a list. Raises DatabaseAway."""
    checked_totals: Callable[[str, str, CallListTotals], CallListTotals] = _unchecked
    """Withholds what a list of a model's version amounts to, where its probabilities are off. Raises DatabaseAway."""


Advance = Callable[[Progress, ScoredBlock], None]
"""Saves progress after a block."""


class JobRun:
    """Scores one job, from where the previous attempt stopped.

    `check` raises where the work must stop, and `advance` saves progress. `score` raises what these raise, and the
    exceptions in failures.FAILURES.
    """

    def __init__(self, resources: Resources, lease: Lease, files: JobFiles, check: Check, advance: Advance) -> None:
        self._resources = resources
        self._lease = lease
        self._files = files
        self._caller_check = check
        self._advance = advance
        self._began = time.monotonic() - lease.job.progress.seconds
        self._input_bytes = 0
        self._result_bytes = 0

    def score(self) -> Progress:
        """Score the remaining blocks, and write the result."""
        files, before = self._files, self._lease.job.progress
        files.begin()
        work = files.work_of(self._lease.token)
        task = self._task(work)
        errors = RowErrors(files, self._lease.job.request, self._resources.limits.errors_bytes, before)
        with (
            atomic_write(files.result, work) as result,
            closing(Joiner(result, task.result_format, result_schema(task), task.part_format)) as joiner,
        ):
            for number in range(before.blocks):
                self._check()
                self._join(number, joiner)
            progress = self._blocks_left(task, errors, joiner)
            if task.call_list is not None:
                progress = self._listed(task, task.call_list, progress, work, joiner)
            errors.join(progress.blocks)
        if self._lease.job.request.output:
            self._resources.outputs.write(files.result, self._lease.job.request.output)
        return progress

    def _blocks_left(self, task: ScoringTask, errors: RowErrors, joiner: Joiner) -> Progress:
        progress, layout = self._lease.job.progress, task.layout
        after = Block(progress.blocks - 1, progress.start, progress.stop) if progress.blocks else None
        progress = progress if after else initial_progress(layout)
        function = partial(score_into, task, self._files)
        # Closed immediately, so that nothing is being computed when the job's files are removed.
        with closing(self._resources.engine(function, blocks(layout, after), self._check)) as engine:
            for step in finished_blocks(engine, layout, progress):
                errors.keep(step.scored, step.errors)
                progress = msgspec.structs.replace(
                    step.progress,
                    attempt=self._lease.job.attempts,
                    more_errors=errors.more,
                    seconds=time.monotonic() - self._began,
                )
                self._advance(progress, step.scored)
                self._check()
                self._join(step.scored.block.number, joiner)
        return progress

    def _listed(
        self, task: ScoringTask, call_list: CallList, progress: Progress, work: Path, joiner: Joiner
    ) -> Progress:
        """Merge the sorted blocks into the call list, and return the progress with its totals."""
        self._result_bytes = 0
        job = self._lease.job

        def add(table: pa.Table) -> None:
            self._check()
            part = encode_result(task, table)
            self._count_bytes(len(part))
            joiner.add(part)

        parts = [self._files.part_path(number) for number in range(progress.blocks)]
        merged = write_call_list(call_list, job.id, parts, work, add)
        if call_list.control_share:
            self._record(task, merged)
        totals = self._resources.checked_totals(job.request.model, job.request.version, merged.totals)
        return msgspec.structs.replace(progress, call_list=totals)

    def _record(self, task: ScoringTask, merged: MergedList) -> None:
        """Remember who is on the list, where the model has a horizon. Raises DatabaseAway."""
        job = self._lease.job
        horizon = read_card(Path(task.bundle), task.digest).signature.target.horizon_days
        if horizon is not None:
            self._resources.record_list(ListedGroups(job.id, job.request.model, horizon, merged.customers))

    def _join(self, number: int, joiner: Joiner) -> None:
        if self._lease.job.request.call_list is not None:
            # It is merged when all blocks are there.
            self._count_bytes(self._files.part_path(number).stat().st_size)
            return
        part = self._files.part(number)
        self._count_bytes(len(part))
        joiner.add(part)

    def _count_bytes(self, count: int) -> None:
        self._result_bytes += count
        self._resources.limits.check_result(self._result_bytes, self._input_bytes)

    def _check(self) -> None:
        self._caller_check()
        self._resources.limits.check_seconds(time.monotonic() - self._began, self._input_bytes)

    def _task(self, work: Path) -> ScoringTask:
        request = self._lease.job.request
        self._resources.sources.fetch(request.source, self._files, self._caller_check)
        self._input_bytes = self._files.input.stat().st_size
        layout = self._layout(request, work)
        return ScoringTask(
            bundle=str(self._resources.models_dir / request.model / request.version),
            digest=request.digest,
            layout=layout,
            keep=None if request.keep is None else tuple(request.keep),
            threshold=request.threshold,
            result_format=request.result_format,
            part_format=part_format(request),
            excel_safe=request.excel_safe,
            reasons=request.reasons,
            costs=request.costs,
            log_mode=self._resources.log_mode,
            call_list=request.call_list,
        )

    def _layout(self, request: Request, work: Path) -> Layout:
        bounds = Bounds(self._resources.sources.max_bytes, columns=MAX_COLUMNS)
        options = ReadOptions(request.encoding, request.skip_rows, request.sheet)
        return open_table(self._files.input, request.format, work, bounds, options)
