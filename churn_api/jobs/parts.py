"""A job's block -> its part in the job's folder: written where it is computed, so that parts cross no network twice."""

from churn_api.jobs.files import JobFiles
from churn_api.serving.table_scorer import Scored, Task, score_block
from churn_api.tables.file_parts import Block


def score_into(task: Task, files: JobFiles, block: Block) -> Scored:
    """Score a block and put its part into the job's folder. Raises TableError or OSError."""
    scored = score_block(task, block)
    files.write_part(block.number, scored.part)
    return scored._replace(part=b"")
