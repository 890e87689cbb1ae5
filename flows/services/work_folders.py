"""The folder of this machine in which a run keeps copies of files and rows that do not fit its memory."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from flows.models import PipelineRun
from flows.storage.base import StorageError


@contextmanager
def work_folder(run: PipelineRun) -> Iterator[Path]:
    """Make the folder of the run's claim and remove it; what dead attempts left goes first. Raises StorageError."""
    folder = _folder_of(run)
    try:
        remove_work_folders(run)
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"FLOW_TEMP_DIR cannot be used: {error.strerror}.", is_transient=True) from None
    try:
        yield folder
    finally:
        # Its own alone: who slept while the run was taken over ends here, too.
        shutil.rmtree(folder, ignore_errors=True)


def remove_work_folders(run: PipelineRun) -> None:
    """Remove what every attempt at a run left on this machine: called by whoever has the run."""
    for folder in Path(settings.FLOW_TEMP_DIR).glob(f"run-{run.pk}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _folder_of(run: PipelineRun) -> Path:
    return Path(settings.FLOW_TEMP_DIR) / f"run-{run.pk}-{run.claim_token}"
