"""The trust that a command needs to run code from files.

It runs the user's own, what is on record, and with `--trust` what came from elsewhere.
"""

from collections.abc import Callable, Iterable

from ...errors import StudyError, TrustError
from ...spaces.space import SearchSpace, path
from ...training.export.export_folder import ExportFolder
from ...training.models.config import CustomModel, ModelConfig
from ...training.models.source import allow_model, name_model, require_model, source_digest
from ...training.trained.folder import Trained
from ..strategy.imported_name import name_import

Note = Callable[[str], None]


def name_models(models: Iterable[ModelConfig], note: Note) -> None:
    """Put `models`, which the user named in this command, on record.

    Their files may be run, now and later.

    Raises:
        TrainingError: a file cannot be read.
        StudyError: the record cannot be written.
    """
    for model in models:
        _tell(name_model(model), note)


def name_space(space: SearchSpace, note: Note) -> None:
    """Put every model that `space` may choose on record, as `name_models`."""
    name_models((CustomModel(name=name) for name in model_files(space)), note)


def name_sampler(sampler: str, note: Note) -> None:
    """Put `sampler`, which the user named in this command or in a space of theirs, on record if it is to be imported.

    Raises:
        SpaceError: it is not of the form `module:Class`, or its file cannot be read.
        StudyError: the record cannot be written.
    """
    _tell(name_import(sampler), note)


def model_files(space: SearchSpace) -> list[str]:
    """The users' models that `space` may choose, each as `path/to/file.py:name`."""
    names = {str(fixed.value) for fixed in space.values if path(fixed.key, fixed.condition) == ("model", "name")}
    return sorted(name for name in names if ".py:" in name)  # the others are hpo's or a library's


def admit_model(model: ModelConfig, *, trust: bool, note: Note, named: bool = False, trained_with: str = "") -> None:
    """Let this command run the file of `model`.

    It is one that the command line `named`, or that comes from a study or a run. `trained_with` is the SHA-256 of the
    file that the model must be of, empty where that does not matter.

    Raises:
        TrustError: it was not named, and is not on record or not the one it must be, and there is no `trust`.
        TrainingError, StudyError: as `name_models`.
    """
    if named:  # what the user types on the command line needs no further trust
        name_models((model,), note)
    elif trust:
        _tell(allow_model(model), note)
    require_model(model)  # raises where none of the two has let it through
    if isinstance(model, CustomModel) and trained_with and source_digest(model.name) != trained_with:
        change = f"model {model.name}: the file, or one that it needs, has changed since the training"
        if not trust:
            raise TrustError(f"{change}, so that another model would be made")
        note(f"{change}; run all the same (--trust)")


def admit_trained(trained: Trained, trust: bool, note: Note) -> None:
    """Let this command run the programs and the model file of `trained`.

    Raises:
        TrustError: they are not on record, and there is no `trust`.
    """
    trust_trained(trained, trust, note)
    if trained.kind == "export":
        ExportFolder.open(trained.path).require_on_record()


def trust_trained(trained: Trained, trust: bool, note: Note) -> None:
    """Trust `trained` as `admit_trained`, but do not require it of exports.

    Without `trust` and a record its formats that hold no program, such as ONNX, can still be used.
    """
    if trained.kind == "export":
        trust_export(ExportFolder.open(trained.path), trust, note)
    else:
        admit_model(trained.config.model, trust=trust, note=note, trained_with=trained.model_source)


def trust_export(export: ExportFolder, trust: bool, note: Note) -> None:
    """With `trust`, let this command run an export's programs and model file."""
    if trust:
        _tell(allow_model(export.manifest.config.model), note)
        _tell(export.allow(), note)


def record_export(export: ExportFolder, note: Note) -> None:
    """Put an export of this command on record, or note why not."""
    # a read-only home of the record must not undo a finished retraining
    try:
        export.put_on_record()
    except StudyError as error:
        note(f"{error}\n  until then predict and evaluate take model.onnx of this export, or --trust")


def _tell(sentence: str, note: Note) -> None:
    """Note `sentence`, which is empty where nothing was newly allowed."""
    if sentence:
        note(sentence)
