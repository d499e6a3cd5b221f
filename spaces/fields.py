"""The fields of a pydantic model, as the space language sees them.

A field is a Leaf (a scalar, or a list or dict given whole), a Section (a model) or Variants (a union of models told
apart by one field, by default `name`). Four marks in `json_schema_extra` change what may be written: `fixed` (no
dimension here or below, because it decides what is compared), `path` (a relative path is meant from the file), `needs`
(without effect unless one of the fields beside it has the value given here, null: any but its default) and, of a whole
section at the top, `apart` (it says something about the space, and is no part of what a trial is).
"""

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from .invalid import law


@dataclass(frozen=True, eq=False)
class Leaf:
    """A field without inner structure.

    `scalars` are the types its values can have (Any where it is untyped), `options` the values of its Literals;
    `whole` tells that a mapping is a value of it, so that it takes no dimension.
    """

    # strict, so that "1" is no number and true is no 1
    adapter: TypeAdapter[Any]
    scalars: frozenset[Any]
    options: tuple[Any, ...] = ()
    whole: bool = False

    def check(self, value: Any) -> Any:
        """Return `value` as the field keeps it, in JSON's types.

        An int in a float field becomes a float.

        Raises:
            ValueError: the law that `value` breaks, in words: "must be less than 1".
        """
        try:
            # through JSON: in it, strictly, an int is a float; and so a saved configuration says the same
            return self.adapter.dump_python(self.adapter.validate_json(json.dumps(value), strict=True), mode="json")
        except ValidationError as error:
            raise ValueError(law(error.errors(include_url=False)[0])) from None


@dataclass(frozen=True)
class Section:
    """A model: a mapping of its fields.

    `optional`: null may stand instead.
    """

    model: type[BaseModel]
    optional: bool = False

    @property
    def fields(self) -> "Mapping[str, Field]":
        """Return the declared fields by name."""
        return _fields(self.model)

    def field(self, name: str) -> "Field | None":
        """Return the field `name`; None where there is none.

        It is declared or, where the model takes any key, untyped.
        """
        return self.fields.get(name) or (UNTYPED if self.open and name.isidentifier() else None)

    @property
    def names(self) -> tuple[str, ...]:
        """Return no name: branches of a plain section have any names."""
        return ()

    @property
    def open(self) -> bool:
        """Tell whether undeclared keys may stand here."""
        return self.model.model_config.get("extra") == "allow"


@dataclass(frozen=True)
class Variants:
    """A union of models, told apart by the field `tag`."""

    tag: str
    models: tuple[type[BaseModel], ...]
    optional: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that stand for one variant each.

        In the order of the union.
        """
        return tuple(name for model in self.models for name in _names(model, self.tag))

    @property
    def beside_names(self) -> str:
        """Describe further values of the tag.

        It is the description of the tag's field; "" where every variant has a name.
        """
        patterned = (model.model_fields[self.tag] for model in self.models if not _names(model, self.tag))
        return next((info.description for info in patterned if info.description), "")

    def variant(self, name: Any) -> Section | None:
        """Return the variant called `name`, or None.

        By its literal, else by a pattern that fits.
        """
        if not isinstance(name, str):
            return None
        # a pattern such as `timm:...` may fit a literal name, too: those go first
        for model in sorted(self.models, key=lambda model: not _names(model, self.tag)):
            leaf = _fields(model)[self.tag].kind
            if isinstance(leaf, Leaf) and _fits(leaf, name):
                return Section(model)
        return None


Kind = Leaf | Section | Variants
Needs = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Field:
    """A field's kind, marks and default.

    `listed` is the field of a section in which the rest stands where a list of such sections is given, "" for none.
    The default is `...` where the field is required.
    """

    kind: Kind
    fixed: bool = False
    path: bool = False
    apart: bool = False
    listed: str = ""
    default: Any = ...
    description: str = ""
    needs: Needs = dataclass_field(default_factory=dict)


@cache
def _fields(model: type[BaseModel]) -> Mapping[str, Field]:
    return {name: _field(model, info) for name, info in model.model_fields.items()}


@cache
def _names(model: type[BaseModel], tag: str) -> tuple[str, ...]:
    annotation = model.model_fields[tag].annotation
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()


def _field(model: type[BaseModel], info: FieldInfo) -> Field:
    marks = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    needs = marks.get("needs")
    default = ... if info.is_required() else info.get_default(call_default_factory=True, validated_data={})
    return Field(
        kind=_kind(info),
        fixed=marks.get("fixed") is True,
        path=marks.get("path") is True,
        apart=marks.get("apart") is True,
        listed=str(marks.get("listed", "")),
        default=default,
        description=info.description or "",
        needs=needs if isinstance(needs, dict) else {},
    )


def _kind(info: FieldInfo) -> Kind:
    arms = [_bare(arm) for arm in _arms(info.annotation)]
    optional = type(None) in arms
    models = tuple(arm for arm in arms if isinstance(arm, type) and issubclass(arm, BaseModel))
    if not models or len(models) + optional != len(arms):
        return _leaf(info)
    if len(models) == 1:
        return Section(models[0], optional)
    tag = info.discriminator if isinstance(info.discriminator, str) else "name"
    return Variants(tag, models, optional)


def _leaf(info: FieldInfo) -> Leaf:
    options: list[Any] = []
    scalars: set[Any] = set()
    for arm in map(_bare, _arms(info.annotation)):
        if get_origin(arm) is Literal:
            options += get_args(arm)
        scalars.add(get_origin(arm) or arm)
    annotated: Any = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    whole = bool(scalars & {dict, Mapping})
    return Leaf(TypeAdapter(annotated, config=ConfigDict(strict=True)), frozenset(scalars), tuple(options), whole)


def _arms(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, through Annotated.

    The type itself where it is none.
    """
    if get_origin(_bare(annotation)) in (Union, types.UnionType):
        for arm in get_args(_bare(annotation)):
            yield from _arms(arm)
    else:
        yield annotation


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _fits(leaf: Leaf, value: Any) -> bool:
    try:
        leaf.check(value)
    except ValueError:
        return False
    return True


UNTYPED = Field(Leaf(TypeAdapter(Any), frozenset({Any})))
