"""Which of several processes does what only one of them need do: the one that holds a lock on a file."""

import contextlib
import fcntl
import logging
import os
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)
NAME: Final = "clockwork-{port}.lock"


class OneOfMany:
    """A lock on a file: the kernel lets go of it when its process ends, however it ends.

    Processes of one replica share its data folder and its port. Where the file cannot be had (a folder that is read
    only, a file system without locks) everybody is the one: that costs requests, never a second run, for the ledger
    decides that.
    """

    def __init__(self, folder: Path, *, port: int) -> None:
        self._path = folder / NAME.format(port=port)
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Tell whether this process is the one, from now until it ends or lets go."""
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            return self._without(error)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            return self._without(error)
        self._descriptor = descriptor
        with contextlib.suppress(OSError):
            # For whoever looks into the folder; nothing reads it.
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        return True

    def let_go(self) -> None:
        """Let another process be the one."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _without(self, error: OSError) -> bool:
        fields = {"event": "clockwork.no_lock", "path": str(self._path), "reason": error.strerror or str(error)}
        logger.warning("this process ticks without knowing of others on this machine", extra=fields)
        return True
