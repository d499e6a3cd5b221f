"""Every valid space as hypothesis generates it, from TrialConfig itself."""

import io
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.spaces.fields import Leaf, Section, Variants
from hpo.spaces.load import load_space
from hpo.spaces.space import SearchSpace
from hpo.training.config import TrialConfig
from hpo.training.constraints import ConstraintsConfig, Limit
from hpo.training.metric_names import direction_of
from hpo.training.models.config import CustomModel
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

Tree = dict[str, Any]
quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def bounds(metadata: list[Any]) -> tuple[float, float]:
    """Numbers safely inside the constraints of a field."""
    low, high = -1e6, 1e6
    for law in metadata:
        low = max(low, getattr(law, "ge", low), getattr(law, "gt", low - 1) + 1e-3)
        high = min(high, getattr(law, "le", high), getattr(law, "lt", high + 1) - 1e-3)
    return low, high


@st.composite
def believed(draw: st.DrawFn, dimension: Tree, priors: list[Any]) -> Tree:
    """`dimension`, perhaps with a prior out of `priors`, perhaps with a confidence in it."""
    if draw(st.booleans()):
        dimension = {**dimension, "prior": draw(st.sampled_from(priors))}
        level = draw(st.sampled_from([None, "low", "medium", "high"]))
        return {**dimension, **({"confidence": level} if level else {})}
    return dimension


@st.composite
def whole_range(draw: st.DrawFn, low: int, high: int) -> Tree:
    first, step = draw(st.integers(low, high)), draw(st.integers(1, 5))
    count = draw(st.integers(0, max(0, min(50, (high - first) // step))))
    last = first + count * step
    if first > 0 and draw(st.booleans()):
        return draw(believed({"low": first, "high": last, "log": True}, [first, last]))
    grid = {"step": step} if step > 1 else {}
    return draw(believed({"low": first, "high": last, **grid}, [first, last, first + count // 2 * step]))


@st.composite
def real_range(draw: st.DrawFn, low: float, high: float) -> Tree:
    # Thousandths, so that a step divides the range exactly as it is written.
    floor, ceiling = math.ceil(low * 1000), math.floor(high * 1000)
    first, step = draw(st.integers(floor, ceiling)), draw(st.integers(1, 100))
    last = first + draw(st.integers(0, max(0, min(50, (ceiling - first) // step)))) * step
    bounds = {"low": first / 1000, "high": last / 1000}
    kind = draw(st.sampled_from(["plain", "step", "log"]))
    if kind == "step":
        return draw(believed({**bounds, "step": step / 1000}, [first / 1000, last / 1000]))
    more = {"log": True} if kind == "log" and first > 0 else {}
    return draw(believed({**bounds, **more}, [first / 1000, last / 1000]))


def every_limit() -> list[Limit]:
    """All limits of `constraints`."""
    names = ConstraintsConfig.model_fields
    signs = {name: "<=" if direction_of(name) == "minimize" else ">=" for name in names}
    return [*ConstraintsConfig(**{name: f"{sign} 1" for name, sign in signs.items()}).limits]


WITH_PATIENCE = ("patience_metric", "min_delta")  # a law between fields
METRICS = ("val_balanced_accuracy", "val_macro_f1", "val_top5_accuracy", "val_auroc", "val_ece")
NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1)
FREE = {  # every field that takes any text, or a list; of two that exclude each other, one is never set
    "source": NAMES | st.just("./a: b #c"),
    "split_file": st.none() | st.just("./splits of mine.csv"),
    "group_pattern": st.none() | st.just("^(.*)_"),
    "path_column": st.none() | NAMES,
    "label_column": st.none() | NAMES,
    "split_column": st.none(),
    "group_column": st.none(),
    "classes": st.none() | st.lists(NAMES, min_size=2, max_size=4, unique=True),
    "images": st.none() | st.just("images/*.jpg"),
    "test_fold": st.none() | st.sampled_from(["1/2", "2/5", "20/20"]),
    "encoding": st.none() | st.sampled_from(["gb18030", "cp1252", "UTF-8"]),
    "pretrained": st.none() | st.just("./weights of mine.pt"),
    "arch": st.sampled_from(["resnet18", "vit_b_16"]),
    **{
        limit.metric: st.none() | st.floats(0.01, 100).map(lambda value, sign=limit.sign: f"{sign} {value:g}")
        for limit in every_limit()
    },
    "factors": st.lists(st.floats(0, 1), min_size=1, max_size=4),
}


@st.composite
def choices(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Tree:
    picked = draw(st.lists(values, min_size=1, max_size=4, unique_by=lambda value: (value is None, value or 0)))
    return draw(believed({"choices": picked}, picked))


def leaf(name: str, kind: Leaf, metadata: list[Any], fixed: bool) -> st.SearchStrategy[Any]:
    low, high = bounds(metadata)
    values: st.SearchStrategy[Any]
    ranges: list[st.SearchStrategy[Any]] = []
    if name == "devices":
        return st.just(1)  # a law between fields: more do not go with compile
    if name == "folds":
        return st.none()  # the same: they do not go with max_val
    if kind.options:
        values = st.sampled_from(kind.options)
    elif bool in kind.scalars:
        values = st.booleans()
    elif float in kind.scalars:
        values, ranges = st.floats(low, high), [real_range(low, high)]
    elif int in kind.scalars:
        values, ranges = st.integers(int(low), int(high)), [whole_range(int(low), int(high))]
    elif name == "metrics":
        return st.lists(st.sampled_from(METRICS), unique=True)
    else:
        return FREE[name]
    if type(None) in kind.scalars:
        values = st.none() | values
    return values if fixed else st.one_of(values, choices(values), *ranges)


@st.composite
def section(draw: st.DrawFn, section: Section, fixed: bool = False, depth: int = 0) -> Tree:
    """Some fields of a model, each a value or a dimension, or branches of the section as a whole."""
    if not fixed and depth and draw(st.integers(0, 5)) == 0 and depth < 4:
        return draw(branches(st.sampled_from(["none", "a", "b-c"]), lambda _: self_again(section, depth)))
    tree: Tree = {}
    claimed: Tree = {}
    for name, field in section.fields.items():
        if name == "name" or not draw(st.booleans()):
            continue
        if name in WITH_PATIENCE and not isinstance(tree.get("patience"), int):
            continue
        if field.needs:  # it must have an effect: the field that it works with is set so that it has
            other, needed = next(iter(field.needs.items()))
            if claimed.setdefault(other, needed) != needed:
                continue
            tree[other] = 0.5 if needed is None else needed
        if isinstance(field.kind, Leaf):
            metadata = section.model.model_fields[name].metadata
            tree[name] = draw(leaf(name, field.kind, metadata, fixed or field.fixed))
        elif isinstance(field.kind, Variants):
            tree[name] = draw(variants(field.kind))
        elif name == "objective":
            metric = draw(st.sampled_from(["val_accuracy", "val_loss"]))
            tree[name] = {"metric": metric, "direction": "minimize" if metric == "val_loss" else "maximize"}
        elif field.fixed:
            tree[name] = draw(self_again(field.kind, depth, fixed=True))
        else:
            tree[name] = draw(self_again(field.kind, depth))
    return tree


def self_again(kind: Section, depth: int, *, fixed: bool = False) -> st.SearchStrategy[Tree]:
    return section(kind, fixed, depth + 1)


@st.composite
def branches(draw: st.DrawFn, labels: st.SearchStrategy[str], body: Callable[[str], st.SearchStrategy[Tree]]) -> Tree:
    picked = draw(st.lists(labels, min_size=1, max_size=3, unique=True))
    return draw(believed({"choices": {label: draw(body(label)) for label in picked}}, picked))


@st.composite
def variant(draw: st.DrawFn, kind: Variants, name: str) -> Tree:
    chosen = kind.variant(name)
    assert chosen is not None
    if chosen.model is CustomModel:
        extra = st.one_of(
            st.integers(-9, 9), whole_range(-9, 9), real_range(0.1, 2.0), choices(st.text("ab", min_size=1))
        )
        return draw(st.dictionaries(st.sampled_from(["width", "act", "p"]), extra, max_size=3))
    body: Tree = {}
    for key, field in chosen.fields.items():
        if key not in (kind.tag, "backbone_lr") and draw(st.booleans()):  # 0 is lawful only with weights
            assert isinstance(field.kind, Leaf)
            body[key] = draw(leaf(key, field.kind, chosen.model.model_fields[key].metadata, field.fixed))
    return body


@st.composite
def variants(draw: st.DrawFn, kind: Variants) -> Any:
    names = [*kind.names, *(["./net.py:Net"] if CustomModel in kind.models else [])]
    if draw(st.booleans()):
        return draw(branches(st.sampled_from(names), lambda name: variant(kind, name)))
    name = draw(st.sampled_from(names))
    return {kind.tag: name, **draw(variant(kind, name))}


TREES = section(Section(TrialConfig))


def load(tree: Tree | str | bytes) -> SearchSpace:
    """The space of a tree written out by another YAML writer than ours, or of a text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "space.yaml"
        if isinstance(tree, dict):
            stream = io.StringIO()
            writer = YAML(typ="safe", pure=True)
            writer.default_flow_style = False  # in flow style ruamel leaves `?a` and `:a` bare and cannot read them
            writer.dump(tree, stream)
            tree = stream.getvalue()
        file.write_bytes(tree if isinstance(tree, bytes) else tree.encode("utf-8", "surrogatepass"))
        return load_space(str(file), TrialConfig)
