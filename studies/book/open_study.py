"""Opening or creating a study, and refusing one that differs."""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import optuna
from optuna import Study as Study  # as whoever passes a study on names it

from ...common.plural import plural
from ...errors import StudyError
from .. import attributes
from ..files import versions
from ..records.strategy import StrategyRecord
from ..store.exclusive import exclusive
from .first_trials import FirstTrial, enqueue
from .space_changes import Change, changes

Direction = Literal["maximize", "minimize"]

# where images lie, not which they are: that is the fingerprint's
DATA_PATHS = ("data.source", "data.split_file", "data.images")


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a study: its space, objective, data and users' models.

    `space` is the canonical form of the space, `priors` the parameters of the trial that a new study begins with, empty
    for none; `at` says in words which epoch of a trial counts; `fingerprint` is the digest of the data, `seed` the
    sampler's; `models` are digests of models by their names; `further` are the metrics of further objectives, with the
    direction of each.
    """

    space_name: str
    space: Mapping[str, Any]
    priors: Mapping[str, Any]
    metric: str
    direction: Direction
    at: str
    fingerprint: str
    seed: int
    command: str
    models: Mapping[str, str] = field(default_factory=dict)
    further: Mapping[str, Direction] = field(default_factory=dict)

    @property
    def metrics(self) -> list[str]:
        """The metrics of all objectives."""
        return [self.metric, *self.further]

    @property
    def directions(self) -> list[Direction]:
        """The directions of all objectives."""
        return [self.direction, *self.further.values()]


class Begun(NamedTuple):
    """What a study began with, though its space need not say so.

    `at_best`: an older version began it, to which the best epoch of a trial counted. `strategy` is that of its last
    run, None where an older version ran it.
    """

    seed: int
    at_best: bool
    strategy: StrategyRecord | None = None


def begun_with(storage: optuna.storages.BaseStorage, name: str) -> Begun | None:
    """What study `name` began with; None where hpo has begun none of that name."""
    try:
        noted = storage.get_study_user_attrs(storage.get_study_id_from_name(name))
    except KeyError:
        return None
    if attributes.SPACE not in noted:
        return None
    return Begun(int(noted[attributes.SEED]), _is_at_best(noted), StrategyRecord.from_attributes(noted))


def load_study(storage: optuna.storages.BaseStorage, name: str) -> optuna.Study:
    """Load study `name`, which must be there, as it is."""
    return optuna.load_study(study_name=name, storage=storage)


def open_study(
    storage: optuna.storages.BaseStorage,
    name: str,
    identity: Identity,
    *,
    accept_change: bool,
    note: Callable[[str], None] = lambda _: None,
    first: Sequence[FirstTrial] = (),
) -> optuna.Study:
    """Open study `name`, or create it with its first configuration enqueued, while nobody else does.

    `first` are put in line before that, each once, however often the study is opened. Data are the same by their
    content: that they lie elsewhere now is written down, and `note` gets a line on it.

    Raises:
        StudyError: hpo did not make it, or it exists with another space, objective or data; `accept_change` lets those
            changes through under which Optuna keeps the old trials valid.
    """
    with exclusive(storage, name).hold():
        study, is_new = _open(storage, name, identity, accept_change, note)
        if lined_up := enqueue(study, first, identity.priors if is_new else {}):
            note(f"{plural(len(lined_up), 'trial')} put in line: {', '.join(dict.fromkeys(map(_source, lined_up)))}")
        return study


def _source(trial: FirstTrial) -> str:
    kind, source = trial.source
    return f"the best of study {source}" if kind == "study" else "the values of --try"


def _open(
    storage: optuna.storages.BaseStorage,
    name: str,
    identity: Identity,
    accept_change: bool,
    note: Callable[[str], None],
) -> tuple[optuna.Study, bool]:
    """Open or create the study; also tell whether it has no trial yet."""
    study = _create_or_load(storage, name, identity)
    trials = study.get_trials(deepcopy=False)
    stored = _stored_space(study)
    if stored is None:
        _refuse_foreign(study, len(trials), identity)
    elif not _same(study, stored, identity) and all(map(_is_untouched, trials)):
        # nobody has put anything in, but a study's direction and the priors it begins with cannot be changed
        optuna.delete_study(study_name=name, storage=storage)
        study, stored, trials = _create_or_load(storage, name, identity), None, []
    if stored is None or not _same(study, stored, identity):
        if stored is not None:
            differences = [*changes(stored, identity.space), *_edited_models(study, identity)]
            moved = [change for change in differences if _only_moves(change, study, identity)]
            _refuse(study, [change for change in differences if change not in moved], identity, accept_change)
            for line in map(_line, moved):
                note(f"{line}: the same content, so study {name} goes on with it")
        _write_identity(study, identity)
    return study, not trials


def _create_or_load(storage: optuna.storages.BaseStorage, name: str, identity: Identity) -> optuna.Study:
    return optuna.create_study(study_name=name, storage=storage, directions=identity.directions, load_if_exists=True)


def _refuse_foreign(study: optuna.Study, trials: int, identity: Identity) -> None:
    """Raise where somebody else's study has the name.

    An empty one is taken, where its direction is right.
    """
    required, directions = identity.directions, _directions(study)
    if trials:
        why = f"holds {plural(trials, 'trial')} that hpo did not make"
    elif directions != required:
        why = f"is not one that hpo made, and its direction must be {', '.join(required)}, got {', '.join(directions)}"
    else:
        return
    raise StudyError(f"study {study.study_name!r} {why}; choose another --study")


def _directions(study: optuna.Study) -> list[str]:
    return [direction.name.lower() for direction in study.directions]


def _is_untouched(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial is the one that hpo enqueued, not begun yet."""
    # what people enqueued has no such mark, and must not be lost with the study
    return trial.state is optuna.trial.TrialState.WAITING and set(trial.user_attrs) == {attributes.PRIOR}


def _stored_space(study: optuna.Study) -> dict[str, Any] | None:
    """The canonical space of a study, None before it has one.

    To an older version the best epoch counted without saying.
    """
    if attributes.SPACE not in study.user_attrs:
        return None
    space: dict[str, Any] = json.loads(study.user_attrs[attributes.SPACE])
    unsaid = {"objective.at": {"value": "best"}} if _is_at_best(study.user_attrs) else {}
    return {**space, "fixed": unsaid | space["fixed"]}


def _is_at_best(noted: Mapping[str, Any]) -> bool:
    return attributes.OBJECTIVE_AT not in noted


def _same(study: optuna.Study, stored: Mapping[str, Any], identity: Identity) -> bool:
    return (
        _directions(study) == identity.directions
        and stored == identity.space
        and study.user_attrs.get(attributes.DATA_FINGERPRINT) == identity.fingerprint
        and _models(study) == identity.models
        and study.user_attrs.get(attributes.OBJECTIVE_METRIC) == identity.metric
    )


def _only_moves(change: Change, study: optuna.Study, identity: Identity) -> bool:
    """Whether only the path of the same images or model changed."""
    if change.key in DATA_PATHS:
        return bool(study.user_attrs.get(attributes.DATA_FINGERPRINT) == identity.fingerprint)
    return change.old in (before := _models(study)) and before[change.old] == identity.models.get(change.new)


def _models(study: optuna.Study) -> dict[str, str]:
    return dict(json.loads(study.user_attrs.get(attributes.MODELS, "{}")))


def _edited_models(study: optuna.Study, identity: Identity) -> list[Change]:
    """The models whose file, or a file that it needs, was edited."""
    before = _models(study)
    return [
        Change(
            f"model {name}",
            before[name][:12],  # of 64 digits: enough to tell two apart, short enough for a line
            f"{now[:12]} (its file, or one that it needs, was edited)",
            "value",
            True,
        )
        for name, now in identity.models.items()
        if before.get(name, now) != now
    ]


def _line(change: Change) -> str:
    return f"{change.key}: {change.old} -> {change.new}"


def _refuse(study: optuna.Study, differences: Sequence[Change], identity: Identity, accept_change: bool) -> None:
    """Raise unless every difference is accepted and acceptable."""
    lines = [*map(_line, differences)]
    impossible = [_line(change) for change in differences if not change.acceptable]
    before = str(study.user_attrs.get(attributes.DATA_FINGERPRINT))
    if not differences and before != identity.fingerprint:  # the same space names other images
        why = "the images, or how hpo reads them, changed"
        impossible = lines = [f"data fingerprint: {before[:12]} -> {identity.fingerprint[:12]} ({why})"]
    if not lines or (accept_change and not impossible):
        return
    name = study.study_name
    if impossible:
        law = "differs where Optuna cannot keep its trials"
        way = "--study OTHER-NAME starts a new study"
    else:
        law = "was made with another space"
        way = "--study OTHER-NAME starts a new study, --accept-space-change goes on with this one"
    raise StudyError(f"study {name!r} {law}\n  {'; '.join(impossible or lines)}\n{way}")


def _write_identity(study: optuna.Study, identity: Identity) -> None:
    """Write the identity into the attributes of the study, the space last."""
    # a process that is killed here leaves a study without a space, which the next one takes as new
    study.set_user_attr(attributes.SPACE_NAME, identity.space_name)
    study.set_user_attr(attributes.OBJECTIVE_METRIC, identity.metric)
    if identity.further:
        study.set_user_attr(
            attributes.OBJECTIVES, json.dumps([*zip(identity.metrics, identity.directions, strict=True)])
        )
    study.set_user_attr(attributes.OBJECTIVE_AT, identity.at)
    study.set_user_attr(attributes.DATA_FINGERPRINT, identity.fingerprint)
    study.set_user_attr(attributes.MODELS, json.dumps(dict(identity.models)))
    study.set_user_attr(attributes.SEED, identity.seed)
    study.set_user_attr(attributes.COMMAND, identity.command)
    study.set_user_attr(attributes.VERSIONS, versions())
    study.set_user_attr(attributes.CREATED, datetime.now(UTC).isoformat(timespec="seconds"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(identity.metrics)  # the dashboard's axis labels
    study.set_user_attr(attributes.SPACE, json.dumps(dict(identity.space)))
