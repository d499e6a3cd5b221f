"""Whose code a command runs: the user's own, what is on record, and with `--trust` what was found elsewhere."""

from collections.abc import Callable, Iterable

from ...errors import StudyError, TrustError
from ...spaces.space import SearchSpace, path
from ...training.export.export_folder import ExportFolder
from ...training.models.config import CustomModel, ModelConfig
from ...training.models.source import allow_model, name_model, require_model, source_digest
from ...training.trained.folder import Trained

Note = Callable[[str], None]


def name_models(models: Iterable[ModelConfig], note: Note) -> None:
    """The user has named `models` in this command: their files may be run, now and later.

    Raises:
        TrainingError: a file cannot be read.
        StudyError: the record cannot be written.
    """
    for model in models:
        _tell(name_model(model), note)


def name_space(space: SearchSpace, note: Note) -> None:
    """As `name_models`, for every model that `space` may choose."""
    name_models((CustomModel(name=name) for name in model_files(space)), note)


def model_files(space: SearchSpace) -> list[str]:
    """The users' models that `space` may choose, each as `path/to/file.py:name`."""
    names = {str(fixed.value) for fixed in space.values if path(fixed.key, fixed.condition) == ("model", "name")}
    return sorted(name for name in names if ".py:" in name)


def admit_model(model: ModelConfig, *, trust: bool, note: Note, named: bool = False, trained_with: str = "") -> None:
    """Let this command run the file of `model`: one that it `named` itself, or that was found in a study or a run.

    `trained_with` is the SHA-256 of the file that the model must be of, empty where that does not matter.

    Raises:
        TrustError: it was found, and is not on record or not the one it must be, and there is no `trust`.
        TrainingError, StudyError: as `name_models`.
    """
    if named:
        name_models((model,), note)
    elif trust:
        _tell(allow_model(model), note)
    require_model(model)
    if isinstance(model, CustomModel) and trained_with and source_digest(model.name) != trained_with:
        change = f"model {model.name}: the file, or one that it needs, has changed since the training"
        if not trust:
            raise TrustError(f"{change}, so that another model would be made")
        note(f"{change}; run all the same (--trust)")


def admit_trained(known: Trained, trust: bool, note: Note) -> None:
    """Let this command load the programs of `known` and run the file of its model, as far as it needs them.

    Raises:
        TrustError: they are not on record, and there is no `trust`.
    """
    trust_trained(known, trust, note)
    if known.kind == "export":
        ExportFolder.open(known.path).require_on_record()


def trust_trained(known: Trained, trust: bool, note: Note) -> None:
    """As `admit_trained`; without `trust` and a record, what is data of `known` is still to be used."""
    if known.kind == "export":
        trust_export(ExportFolder.open(known.path), trust, note)
    else:
        admit_model(known.config.model, trust=trust, note=note, trained_with=known.model_source)


def trust_export(export: ExportFolder, trust: bool, note: Note) -> None:
    """With `trust`, let this command load the programs of `export` and run the file of its model."""
    if trust:
        _tell(allow_model(export.manifest.config.model), note)
        _tell(export.allow(), note)


def record_export(export: ExportFolder, note: Note) -> None:
    """Put an export that this command has made on record; that it cannot be is told, and loses nothing."""
    try:
        export.put_on_record()
    except StudyError as error:
        note(f"{error}\n  until then predict and evaluate take model.onnx of this export, or --trust")


def _tell(sentence: str, note: Note) -> None:
    if sentence:
        note(sentence)
