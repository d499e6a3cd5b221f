"""The source of `hpo serve`.

It is a folder, a study's export, or an alias in the MLflow registry.
"""

import logging
import math
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import StudyError, nearest
from ...serving.export_folder import MANIFEST
from ...serving.options import Folder, Source, UsageError
from ...studies.home import Home
from ...studies.study_name import is_study_name
from ...studies.tracking.mlflow.stores import Stores, choose_stores

logger = logging.getLogger("hpo.serving")

_ALIAS = re.compile(r"models:/([^@/]+)@([^@/]+)")


@dataclass(slots=True)
class Alias:
    """A version in the MLflow registry under an alias.

    Its export is fetched into the home, once. `pause_s` lies between questions to MLflow: a moved alias is served as
    late as that, and MLflow is asked as seldom, however many requests come.
    """

    stores: Stores
    name: str
    alias: str
    home: Home
    pause_s: float = 10.0
    _folder: Path | None = field(default=None, init=False)
    _asked_s: float = field(default=-math.inf, init=False)  # monotonic
    _failure: str = field(default="", init=False)

    def locate(self) -> Path:
        """The folder of the version under the alias, at most `pause_s` old.

        While MLflow is away or the alias is gone, it is the folder found last; the reason is logged once.

        Raises:
            StudyError: nothing was found yet, and MLflow does not answer, or there is no such alias.
        """
        from ...studies.tracking.mlflow.model_registry import fetch_export

        now_s = time.monotonic()
        if self._folder is not None and now_s - self._asked_s < self.pause_s:
            return self._folder
        self._asked_s = now_s  # before the question: a registry that is away is not asked by every request either
        try:
            self._folder = fetch_export(self.stores, self.name, self.alias, self.home.served)
            self._failure = ""
        except StudyError as error:
            if self._folder is None:  # nothing to go on serving
                raise
            if str(error) != self._failure:
                # once a reason, not once a question: MLflow may be away for days
                logger.error("kept at %s: %s", self._folder.name, error)
            self._failure = str(error)
        return self._folder


def source(target: str | None, home: Path | None, tracking_uri: str | None) -> Source:
    """Find the source that `target` names.

    It is `models:/NAME@ALIAS`, a folder that exists, or a study of the home; None means the newest export.

    Raises:
        ServeError: there is no such folder or study, or it has no export.
    """
    studies = Home.locate(home)
    if target is not None and target.startswith("models:/"):
        named = _ALIAS.fullmatch(target)
        if named is None:
            raise UsageError(f"a registered model is named models:/NAME@ALIAS, got {target}")
        name, alias = named.groups()
        stores = choose_stores(tracking_uri, studies, name if is_study_name(name) else None, logger.warning)
        if stores is None:
            raise UsageError(f"{target} is looked up in MLflow, which --tracking-uri none leaves out")
        return Alias(stores, name, alias, studies)
    exports = {path.parent.parent.name: path.parent for path in studies.root.glob(f"*/export/{MANIFEST}")}
    if target is None:
        return Folder(_newest(exports, studies))
    # a folder of the same name is meant where it holds an export itself
    if target in exports and not Path(target, MANIFEST).is_file():
        return Folder(exports[target])
    if Path(target).is_dir():
        return Folder(Path(target).absolute())
    hint = nearest(target, exports) if exports else "`hpo retrain-best` makes one"
    raise UsageError(f"{target}: neither an export folder nor a study of {studies.root} with an export; {hint}")


def _newest(exports: dict[str, Path], home: Home) -> Path:
    if not exports:
        raise StudyError(f"{home.root}: no study has an export yet; `hpo retrain-best` makes one")
    return max(exports.values(), key=lambda folder: (folder / MANIFEST).stat().st_mtime)
