"""The options of `hpo ui`."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import Flag, HomeField, StorageField, StudyField


@dataclass(frozen=True, slots=True)
class UiOptions:
    """The flags of `hpo ui`."""

    study: StudyField = None
    storage: StorageField = None
    tracking_uri: Annotated[str | None, Flag("An MLflow tracking URI. Default: that of the study sent there last.")] = (
        None
    )
    home: HomeField = None
    port: Annotated[int | None, Flag("optuna-dashboard's port. Default: a free one.")] = None
    mlflow_port: Annotated[int | None, Flag("The MLflow UI's port. Default: a free one.")] = None
    tensorboard_port: Annotated[int | None, Flag("TensorBoard's port. Default: a free one.")] = None
