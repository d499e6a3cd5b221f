"""The copies of users' model files in a study.

Every later step loads what a trial began with.

    runs/<study>/models/<digest>/    a file, what it imports from its folder, and files there that it mentions

A trial's configuration names the file where the user has it, and the trial its digest; so a home can be moved.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...training.config import TrialConfig
from ...training.models.config import CustomModel, ModelConfig
from ...training.models.source import keep_model, model_source, split_name


@dataclass(frozen=True, slots=True)
class ModelCopies:
    """The copies below `folder`, None for none.

    `current` are the digests of the space's models by their name.
    """

    folder: Path | None = None
    current: Mapping[str, str] = field(default_factory=dict)

    def keep(self) -> None:
        """Copy the current models that were not copied yet.

        Raises:
            TrainingError: one was edited since its digest was taken, or cannot be copied.
            StudyError: the record of what may be run cannot be written.
        """
        for name, digest in self.current.items():
            if self.folder is not None:
                keep_model(name, self.folder, digest)

    def files(self) -> dict[str, Path]:
        """The files of the copies of current models, by their paths from the folder that holds `folder`."""
        if self.folder is None:
            return {}
        copies = [self.folder / digest for digest in self.current.values()]
        files = [file for copy in copies for file in copy.rglob("*") if file.is_file()]
        return {
            file.relative_to(self.folder.parent).as_posix(): file for file in files if "__pycache__" not in file.parts
        }

    def digest(self, model: ModelConfig) -> str:
        """The digest for a new trial of `model`, empty for libraries' models."""
        return self.current.get(model.name, "") or model_source(model)

    def use_copy(self, config: TrialConfig, digest: str = "") -> TrialConfig:
        """Return `config` with its model's file replaced by the copy with `digest`.

        Where there is no copy it stays as it is. Without a digest a copy is meant that the configuration names itself,
        from wherever the home was then.
        """
        if self.folder is None or not isinstance(config.model, CustomModel):
            return config
        path, name = split_name(config.model.name)
        copy = self.folder / (digest or path.parent.name) / path.name
        # the name comes from a store, perhaps a stranger's: only a digest may become a part of the path
        if not re.fullmatch("[0-9a-f]{64}", copy.parent.name) or not copy.is_file():
            return config
        return config.model_copy(update={"model": config.model.model_copy(update={"name": f"{copy}:{name}"})})
