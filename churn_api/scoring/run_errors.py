"""Why a graph gives no result. The texts quote nothing of its inputs."""


class RunFailed(Exception):
    """The graph cannot compute with these inputs."""


class RunTooLong(RunFailed):
    """The run took longer than it may."""
