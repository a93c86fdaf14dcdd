"""What the processes of the local engine load."""

import sys

from churn_api.serving.process_engine import in_order
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.tables.file_parts import Block


def loaded(block):
    """The modules of the process that computes."""
    return ScoredBlock(block, " ".join(sys.modules).encode(), 1, 1, 0, [], {}, {})


def test_children_load_no_program():
    """A process that scores does not load the program that started it, and that one is itself again afterwards."""
    program = sys.modules["__main__"]
    result = [scored.part.split() for scored in in_order(loaded, iter([Block(0, 0, 1), Block(1, 1, 2)]), processes=2)]
    assert all(b"churn_api.serving.scored_blocks" in modules and b"pytest" not in modules for modules in result)
    assert b"__main__" in result[0]
    assert sys.modules["__main__"] is program
