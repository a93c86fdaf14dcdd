"""What a master that is root hands over to the user that its workers become (`gunicorn --user`, `--group`).

It loads the application before it forks, so counters, databases and metrics are root's until then.
"""

import os
import pwd
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]


def is_handed_over(cfg: Any) -> bool:
    """Whether the workers become somebody else than their master is."""
    return os.geteuid() == 0 and (cfg.uid, cfg.gid) != (os.geteuid(), os.getegid())


def hand_over(cfg: Any, *, own: Iterable[Path], metrics_group: Path) -> None:
    """Give the workers' user what root has just made in folders of the service's own, and in that of the metrics."""
    if not is_handed_over(cfg):
        return
    for folder in own:
        _give([folder, *_files(folder)], cfg)
    _give([metrics_group, *metrics_group.rglob("*")], cfg)
    # The folder above stays root's, whose next start looks for that; to pass through it is enough.
    metrics_group.parent.chmod(metrics_group.parent.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)


def popen_as(cfg: Any) -> dict[str, Any]:
    """How a process is started as the workers' user; nothing where that is this one's."""
    if not is_handed_over(cfg):
        return {}
    return {"user": cfg.uid, "group": cfg.gid, "extra_groups": _groups(cfg)}


def become(cfg: Any) -> None:
    """Become the workers' user, for good."""
    if is_handed_over(cfg):
        os.setgroups(_groups(cfg))
        util.set_owner_process(cfg.uid, cfg.gid)


def _groups(cfg: Any) -> list[int]:
    with suppress(KeyError):
        if cfg.initgroups:
            return os.getgrouplist(pwd.getpwuid(cfg.uid).pw_name, cfg.gid)
    return [cfg.gid]


def _files(folder: Path) -> list[Path]:
    """The files and folders in a folder: not what links lead to."""
    return [path for path in folder.glob("*") if not path.is_symlink()] if folder.is_dir() else []


def _give(paths: Iterable[Path], cfg: Any) -> None:
    """What is root's; what is another's already is left alone."""
    for path in paths:
        with suppress(FileNotFoundError):
            if path.lstat().st_uid == 0:
                os.chown(path, cfg.uid, cfg.gid, follow_symlinks=False)
