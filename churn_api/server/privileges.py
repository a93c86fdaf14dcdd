"""Changes of file ownership where the master is root and its workers are not (`gunicorn --user`, `--group`).

The master loads the application before it forks, so counters, databases and metrics belong to root until then.
"""

import os
import pwd
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]


def drops_privileges(cfg: Any) -> bool:
    """Whether the workers run as another user than the master."""
    return os.geteuid() == 0 and (cfg.uid, cfg.gid) != (os.geteuid(), os.getegid())


def hand_over(cfg: Any, *, own: Iterable[Path], metrics_group: Path) -> None:
    """Change the owner of files that root has created in the service's folders and in the metrics folder."""
    if not drops_privileges(cfg):
        return
    for folder in own:
        _chown([folder, *_files(folder)], cfg)
    _chown([metrics_group, *metrics_group.rglob("*")], cfg)
    # The parent stays root's, as the next start expects; the workers only need to traverse it.
    metrics_group.parent.chmod(metrics_group.parent.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)


def popen_as(cfg: Any) -> dict[str, Any]:
    """Arguments of Popen that start a process as the workers' user; empty where that is this user."""
    if not drops_privileges(cfg):
        return {}
    return {"user": cfg.uid, "group": cfg.gid, "extra_groups": _groups(cfg)}


def become(cfg: Any) -> None:
    """Switch this process to the workers' user, irreversibly."""
    if drops_privileges(cfg):
        os.setgroups(_groups(cfg))
        util.set_owner_process(cfg.uid, cfg.gid)


def _groups(cfg: Any) -> list[int]:
    with suppress(KeyError):
        if cfg.initgroups:
            return os.getgrouplist(pwd.getpwuid(cfg.uid).pw_name, cfg.gid)
    return [cfg.gid]


def _files(folder: Path) -> list[Path]:
    """The files and folders in a folder, without symbolic links."""
    return [path for path in folder.glob("*") if not path.is_symlink()] if folder.is_dir() else []


def _chown(paths: Iterable[Path], cfg: Any) -> None:
    """Change the owner of root's files; leave those of other users."""
    for path in paths:
        with suppress(FileNotFoundError):
            if path.lstat().st_uid == 0:
                os.chown(path, cfg.uid, cfg.gid, follow_symlinks=False)
