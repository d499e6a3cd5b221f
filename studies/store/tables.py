"""Optuna's tables, and its forms of numbers in them."""

from optuna.storages._rdb import models
from sqlalchemy import Table

STUDIES: Table = models.StudyModel.__table__
DIRECTIONS: Table = models.StudyDirectionModel.__table__
STUDY_ATTRIBUTES: Table = models.StudyUserAttributeModel.__table__
STUDY_MARKS: Table = models.StudySystemAttributeModel.__table__
TRIALS: Table = models.TrialModel.__table__
ATTRIBUTES: Table = models.TrialUserAttributeModel.__table__
MARKS: Table = models.TrialSystemAttributeModel.__table__
PARAMS: Table = models.TrialParamModel.__table__
VALUES: Table = models.TrialValueModel.__table__
EPOCHS: Table = models.TrialIntermediateValueModel.__table__

FIXED = "fixed_params"
"""Optuna's mark of what `enqueue_trial` was given."""

stored_epoch = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr
stored_value = models.TrialValueModel.value_to_stored_repr
