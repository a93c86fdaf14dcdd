"""Scores a block and writes its part to the job's folder, where it is computed: no part crosses the network twice."""

from churn_api.jobs.files import JobFiles
from churn_api.jobs.job import Request
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.serving.table_scorer import ScoringTask, score_block
from churn_api.settings import DASK
from churn_api.tables.file_parts import Block
from churn_api.tables.formats import FORMATS


def score_into(task: ScoringTask, files: JobFiles, block: Block) -> ScoredBlock:
    """Score a block and write its part to the job's folder. Raises TableError or OSError."""
    scored = score_block(task, block)
    files.write_part(block.number, scored.part)
    return scored._replace(part=b"")


def is_data_set(request: Request) -> bool:
    """Whether a job's parts stay, as a data set in addition to the result. Readers of Dask's results expect that."""
    return request.engine == DASK and request.call_list is None and FORMATS[request.result_format].data_set


def part_format(request: Request) -> str:
    """The format of a job's parts."""
    return request.result_format if is_data_set(request) else FORMATS[request.result_format].part_format
