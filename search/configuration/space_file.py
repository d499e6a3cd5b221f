"""The model of a space file: the configuration of a trial, and how the space is searched."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from ...common.registry import Registry
from ...training.config import TrialConfig
from ...training.section import Section
from ..strategy.samplers.registry import SAMPLERS
from ..strategy.schedulers.registry import SCHEDULERS
from ..strategy.strategies.registry import STRATEGIES


def _name_in(registry: Registry[Any], description: str, *, and_more: bool = True) -> Any:
    """A field for a name in `registry`; with `and_more` it may go on after a colon, which is read where it is used."""
    literal: Any = Literal  # of names that are known at run time alone
    name = literal[registry.names()]
    name = name | Annotated[str, Field(pattern="^[^:]+:.+$")] if and_more else name
    return Annotated[name | None, Field(description=description)], None


_Scalar = bool | int | float | str | None
SearchSection = create_model(
    "SearchSection",
    __base__=Section,
    __doc__="How the space is searched; a flag of `hpo run` wins over what stands here.",
    strategy=_name_in(STRATEGIES, "How trials are chosen, stopped and resumed, as --strategy.", and_more=False),
    sampler=_name_in(SAMPLERS, "What proposes values, as --sampler."),
    pruner=_name_in(SCHEDULERS, "What stops trials early, as --pruner."),
    audit=(
        float | None,
        Field(default=None, ge=0, le=1, description="Share of the trials to be stopped that run on, as --audit."),
    ),
)

SpaceFile = create_model(
    "SpaceFile",
    __base__=TrialConfig,
    __doc__=TrialConfig.__doc__,
    forbid=(
        tuple[dict[str, _Scalar | list[_Scalar]], ...],
        Field(
            default=(),
            strict=False,
            description='Combinations that no trial has: values, lists of them, or comparisons such as "> 0.1" by key.',
            json_schema_extra={"fixed": True, "apart": True},
        ),
    ),
    search=(SearchSection, Field(default_factory=SearchSection, json_schema_extra={"fixed": True, "apart": True})),
)
"""What a space file mirrors."""
