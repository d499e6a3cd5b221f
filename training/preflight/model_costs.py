"""What models cost, from their shapes alone."""

from collections.abc import Sequence

from ..config import TrialConfig
from ..data.pack import Pack
from ..models.catalogue import facts_of
from ..models.config import ModelConfig


def model_costs(configs: Sequence[TrialConfig], pack: Pack) -> list[tuple[int, int] | None]:
    """The parameters of the model of each of `configs`, and the operations of its forward pass of an image of `pack`.

    None where it cannot be built without its numbers, as a user's own may not be.
    """
    shape = {"num_classes": len(pack.class_names), "in_channels": pack.channels, "image_size": pack.image_size}
    texts = [config.model.model_dump_json() for config in configs]
    models = dict(zip(texts, (config.model for config in configs), strict=True))
    costs = {text: _cost(text, model, shape) for text, model in models.items()}
    return [costs[text] for text in texts]


def _cost(name: str, model: ModelConfig, shape: dict[str, int]) -> tuple[int, int] | None:
    try:
        (facts,) = facts_of({name: model}, **shape)
    except Exception:  # a user's model may do anything; whether it works is another check's business
        return None
    return None if facts.parameters is None or facts.flops is None else (facts.parameters, facts.flops)
