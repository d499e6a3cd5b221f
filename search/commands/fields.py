"""The fields of a verb's options, each a keyword and a flag.

One says what the user may ask for, in Python and on the command line alike:

    @dataclass(frozen=True, slots=True)
    class TrainOptions:
        epochs: Annotated[int | None, Flag("Short for --set budget.epochs=N.")] = None
        home: HomeField = None

From this the command line makes `--epochs` with its help and `--home` (`search/cli/flags.py`), and `hpo.train` its
keywords. Nothing here nor in any options.py imports more than that takes: `hpo --help` reads all of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from ...studies.tracking.tracker_kinds import TRACKERS


@dataclass(frozen=True, slots=True)
class Flag:
    """The command-line flag of a field.

    Attributes:
        help: what it means, in a sentence.
        name: with its dashes; "" makes it from the field's name, `data_root` becoming `--data-root`.
        short: a second name of one letter, such as `-s`.
        metavar: what stands for the value in the help; None: its type.
        parse: from the text that is given to the value; None: typer makes it by the field's type.
        default: the text that means the field's default, where it is to be shown.
        complete: the function of `search/cli/complete.py` that completes it in a shell.
        low, high: the range of a number, both included.
        positional: whether it is an argument instead of an option.
        also_option: whether an argument may be given as an option, too: by position and by name.
    """

    help: str
    name: str = ""
    short: str = ""
    metavar: str | None = None
    parse: Callable[[str], Any] | None = None
    default: str | None = None
    complete: str = ""
    low: int | None = None
    high: int | None = None
    positional: bool = False
    also_option: bool = False


def split_type(kind: Any) -> tuple[Any, Flag]:
    """Return the plain type of an annotated field, and its flag.

    A text beside the type is the flag's help.
    """
    if get_origin(kind) is not Annotated:
        return kind, Flag("")
    plain, annotation = get_args(kind)[:2]
    return plain, annotation if isinstance(annotation, Flag) else Flag(str(annotation))


def one_of(names: Iterable[str]) -> str:
    """Return the names as a help text has them.

    >>> one_of(["tpe", "random", "qmc"])
    'tpe, random or qmc'
    """
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


# the fields of more than one verb: the same words and the same help wherever they are asked for
SpaceField = Annotated[str | None, Flag("A space file, or the name of a bundled space.", short="-s", complete="spaces")]
StudyField = Annotated[
    str | None,
    Flag(
        "A study's name. Default: the newest.",
        metavar="[STUDY]",
        complete="studies",
        positional=True,
        also_option=True,
    ),
]
SetField = Annotated[
    Sequence[str],
    Flag("Replace a value or dimension. Repeatable.", name="--set", metavar="KEY=VALUE", complete="settings"),
]
DataField = Annotated[str | None, Flag("A data set by name, or a folder of class folders.")]
DataRootField = Annotated[Path | None, Flag("Where named data sets lie or are downloaded to.")]
DeviceField = Annotated[str, Flag("auto, cpu, cuda or cuda:1.")]
StorageField = Annotated[
    str | None, Flag("An Optuna storage URL, or @FILE with one. Default: $HPO_STORAGE, else studies.db in the home.")
]
CheckpointDirField = Annotated[
    str | None,
    Flag(
        "A folder or URL (s3://BUCKET/PREFIX) that all machines of the study share, or none. "
        "Default: $HPO_CHECKPOINT_DIR; where files are only read, the study's.",
        metavar="DIR|URL",
    ),
]
TrackingField = Annotated[
    str | None,
    Flag("An MLflow tracking URI, or none. Default: the study's, $MLFLOW_TRACKING_URI, the home's."),
]
TrackField = Annotated[
    tuple[str, ...],
    Flag(
        f"Some of {', '.join(TRACKERS)}; repeatable, or with commas between. Default: mlflow.",
        metavar="TRACKER",
    ),
]
HomeField = Annotated[Path | None, Flag("Where all is kept. Default: $HPO_HOME, else ./runs.")]
SkipExportField = Annotated[bool, Flag("Do not try beforehand whether the models can be exported.")]
StrictField = Annotated[bool, Flag("Refuse files that lie outside of the data's folder. Short for data.strict.")]
TrustField = Annotated[bool, Flag("Run what others made, in this command: a model's file, an export's program.")]
ModelField = Annotated[
    str,
    Flag("A folder of hpo retrain-best or hpo train, or a study that was retrained.", positional=True),
]
