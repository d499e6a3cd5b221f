"""The folder of a study's TensorBoard event files, without importing TensorBoard."""

from collections.abc import Callable
from pathlib import Path

from ...common.installation import Extra, install_command
from ..home import Home
from ..study_name import is_study_name

TENSORBOARD = Extra("tensorboard", "tensorboard")
FILE = "events.out.tfevents"  # TensorBoard looks for files with this in their names


def event_files(home: Home, study: str, note: Callable[[str], None]) -> Path | None:
    """Return the folder of the event files of `study`, None without any.

    None also where TensorBoard is not installed; `note` gets a line then, if there are files.
    """
    if not is_study_name(study):
        return None
    folder = home.study(study) / "tensorboard"
    if not home.contains(folder) or not any(folder.glob(f"*/{FILE}.*")):
        return None
    if not TENSORBOARD.installed:
        note(f"{folder} holds event files; to see them: {install_command(TENSORBOARD.name)}")
        return None
    return folder
