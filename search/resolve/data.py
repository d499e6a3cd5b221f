"""The data of `hpo data` and `hpo evaluate --data`.

They are the section `data`, by the laws of a space file.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from ...errors import SpaceError
from ...spaces.find import Source
from ...spaces.load import load_source
from ...spaces.node import Location
from ...training.data.config import DataConfig
from ...training.data.sources.labels import table_files
from ...training.data.sources.spelling import on_disk
from ...training.section import Section

COLUMNS = ("path_column", "label_column")
# the settings that say how to read a CSV file, which the data that a model was trained on cannot know
OF_TABLES = (*COLUMNS, "images", "encoding")


class _DataAlone(Section):
    """A space of data alone, which refuses other keys of `--set`."""

    data: DataConfig = DataConfig()


def data_source(data: str | None) -> str | None:
    """The absolute path of a folder or file, or the name itself."""
    # what looks like a path is one even where nothing is there: the error must name it, not say "unknown data set"
    if data is None or not ("/" in data or data.startswith((".", "~")) or data.endswith(".csv") or Path(data).is_dir()):
        return data
    return str(Path(data).expanduser().absolute())


def choose_data(
    source: str, overrides: Sequence[str] = (), image_size: int | None = None, *, strict: bool = False
) -> DataConfig:
    """Choose the data `source`, with settings `data.KEY=VALUE`.

    `source` is a name, a folder or a CSV file; settings are as in `hpo run --set`.

    Raises:
        SpaceError: a setting is not one of data, or its value is not allowed.
    """
    # as JSON, so that a path with spaces, colons or a leading `~` is not read as anything else by YAML
    short = {"data.source": data_source(source), "data.image_size": image_size, "data.strict": strict or None}
    changes = [f"{key}={json.dumps(value)}" for key, value in short.items() if value is not None]
    text = Source("data", "{}", Location("hpo data", Path.cwd()))
    space = load_source(text, _DataAlone, [*overrides, *changes])
    return _DataAlone.model_validate(space.tree({})).data


def choose_labelled(source: str, overrides: Sequence[str], trained: DataConfig, *, strict: bool = False) -> DataConfig:
    """Choose labelled data for a model that was `trained` on other data.

    All images of `source`, or of the classes that are named, are taken in the model's own size, so that only what a CSV
    file means is left to say. Where nobody says what its columns are called they are called as in the model's own data.

    Raises:
        SpaceError: a setting is not one of data, or has no meaning here.
    """
    # a folder of images has no columns, and setting some for it would be refused
    columns = COLUMNS if table_files(on_disk(Path(source).expanduser())) else ()
    like = [f"data.{key}={json.dumps(value)}" for key in columns if (value := getattr(trained, key)) is not None]
    config = choose_data(source, [*like, *overrides], strict=strict)
    default = DataConfig(source=config.source)
    # whatever else was set would be silently ignored
    fixed = [key for key in DataConfig.model_fields if key not in (*OF_TABLES, "classes", "strict")]
    if idle := [key for key in fixed if getattr(config, key) != getattr(default, key)]:
        raise SpaceError(
            f"--set data.{idle[0]} has no effect on new data: all images are taken, as the model takes them\n"
            f"  what can be set is data.classes, and {' and '.join(f'data.{key}' for key in OF_TABLES)} of a CSV file"
        )
    return config


def refuse_home_as_data(home: Path, source: str) -> None:
    """Refuse a home that is the folder of the images.

    This comes before any file is made there: a study's folder would be taken for a class.

    Raises:
        SpaceError: `source` is the folder `home`.
    """
    if Path(source).expanduser().resolve() == home.resolve():  # links followed: either may be one
        raise SpaceError(f"--home must not be the folder of the images, got {home}; ./runs inside it is never data")
