"""What `hpo data` was asked to look at: the section `data` of a configuration, by the laws of a space file."""

import json
from collections.abc import Sequence
from pathlib import Path

from ..spaces.find import Source
from ..spaces.load import load_source
from ..spaces.node import Place
from ..training.config import DataConfig
from ..training.section import Section
from .options import data_source


class _DataAlone(Section):
    """A space of nothing but data, so that any other key of `--set` is refused."""

    data: DataConfig = DataConfig()


def choose_data(source: str, overrides: Sequence[str] = (), image_size: int | None = None) -> DataConfig:
    """The data `source` (a name, folder or CSV file) with the settings `data.KEY=VALUE`, each as in `hpo run --set`.

    Raises:
        SpaceError: a setting is not one of data, or its value is not allowed.
    """
    short = {"data.source": data_source(source), "data.image_size": image_size}
    changes = [f"{key}={json.dumps(value)}" for key, value in short.items() if value is not None]
    text = Source("data", "{}", Place("hpo data", Path.cwd()))
    space = load_source(text, _DataAlone, [*overrides, *changes])
    return _DataAlone.model_validate(space.tree({})).data
