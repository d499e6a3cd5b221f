"""JSON Schema of a space file, for editors.

They complete and check it while it is written.

The model's own schema, with a dimension allowed beside each scalar and a choice of branches beside each section. It is
a little wider than the loader: laws between values (low <= high) are not for a schema.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from .fields import Field, Kind, Leaf, Section, Variants
from .parameter import Confidence

Json = dict[str, Any]

_SCALAR: Json = {"type": ["boolean", "number", "string", "null"]}
_BELIEVED: Json = {"confidence": {"enum": list(get_args(Confidence)), "description": "How sure the prior is."}}


def json_schema(target: type[BaseModel]) -> Json:
    """Return the schema (draft 2020-12) of space files for `target`."""
    definitions: Json = {}
    root = _Schema(definitions).section(Section(target), fixed=False)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hpo search space",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text(target: type[BaseModel]) -> str:
    """Return the schema as `hpo schema` prints it.

    So it lies beside the bundled spaces.
    """
    return json.dumps(json_schema(target), indent=2) + "\n"


class _Schema:
    def __init__(self, definitions: Json) -> None:
        self.definitions = definitions

    def section(self, section: Section, *, fixed: bool, without: str = "") -> Json:
        """Return the schema of a model's fields, less the field `without`."""
        properties = {name: self.field(field, fixed) for name, field in section.fields.items() if name != without}
        text = (section.model.__doc__ or "").strip().split("\n")[0]
        extra = self.field(Field(_untyped(section)), fixed) if section.open else False
        schema: Json = {"type": "object", "properties": properties, "additionalProperties": extra}
        return {"description": text, **schema} if text else schema

    def field(self, field: Field, fixed: bool) -> Json:
        """Return the schema of what may stand for `field`."""
        fixed = fixed or field.fixed
        schema = self._leaf(field.kind, fixed) if isinstance(field.kind, Leaf) else self._model(field.kind, fixed)
        if field.listed and isinstance(field.kind, Section):
            schema = {"anyOf": [schema, self._list(field.kind, field.listed, schema)]}
        return {**({"description": field.description} if field.description else {}), **schema, **_default(field)}

    def _leaf(self, leaf: Leaf, fixed: bool) -> Json:
        # pydantic puts nested definitions into each schema; in the whole they stand once, at the root
        value = leaf.adapter.json_schema()
        self.definitions.update(value.pop("$defs", {}))
        if fixed or leaf.whole:
            return value
        return {"anyOf": [value or {"not": {"type": "object"}}, *_dimensions(leaf, value)]}

    def _list(self, section: Section, rest: str, first: Json) -> Json:
        """Return the schema of a list of `first`, a `section`, and of elements of its field `rest`."""
        others = section.fields[rest].kind
        assert isinstance(others, Leaf)
        return {
            "type": "array",
            "prefixItems": [first],
            "items": self._leaf(others, fixed=True)["items"],
            "minItems": 1,
        }

    def _model(self, kind: Section | Variants, fixed: bool) -> Json:
        forms = self._forms(kind, fixed)
        return forms[0] if len(forms) == 1 else {"anyOf": forms}

    def _forms(self, kind: Section | Variants, fixed: bool) -> list[Json]:
        # a plain section may be left empty in YAML, which is null
        null: list[Json] = [{"type": "null"}] if kind.optional or isinstance(kind, Section) else []
        if isinstance(kind, Section):
            whole = self._shared(kind, fixed)
            return [whole, *null] if fixed else [self._nested(kind.model.__name__, [whole, *null])]
        names = self._names(kind)
        shared = {model: self._shared(Section(model), fixed, kind.tag) for model in kind.models}
        wholes = [{**reference, "required": [kind.tag]} for reference in shared.values()]
        bodies = {name: self._body(shared, kind.variant(name)) for name in kind.names}
        patterns = {text: self._body(shared, Section(model)) for model, text in self._patterns(kind)}
        listed = _branching_list(names)
        return [names, *wholes, *null, *([] if fixed else [_branching(bodies, patterns, {"anyOf": wholes}), listed])]

    def _nested(self, name: str, forms: list[Json]) -> Json:
        """Return the schema of a plain section, or branches of it.

        Branches may branch again.
        """
        reference: Json = {"$ref": f"#/$defs/{name}.or_branches"}
        self.definitions[f"{name}.or_branches"] = {"anyOf": [*forms, _branching({}, {}, reference)]}
        return reference

    def _patterns(self, kind: Variants) -> Iterator[tuple[type[BaseModel], str]]:
        """Yield the variants whose names follow a pattern, with that."""
        for model in kind.models:
            tag = Section(model).fields[kind.tag].kind
            text = tag.adapter.json_schema().get("pattern") if isinstance(tag, Leaf) else None
            if text:
                yield model, text

    def _names(self, kind: Variants) -> Json:
        tags = [Section(model).fields[kind.tag].kind for model in kind.models]
        return {"anyOf": [tag.adapter.json_schema() for tag in tags if isinstance(tag, Leaf)]}

    def _body(self, shared: dict[type[BaseModel], Json], variant: Section | None) -> Json:
        """Return the schema of a branch named like its variant.

        It holds the variant's fields, or nothing at all.
        """
        return {"anyOf": [shared[variant.model] if variant else {}, {"type": "null"}]}

    def _shared(self, section: Section, fixed: bool, tag: str = "") -> Json:
        name = section.model.__name__ + (".fixed" if fixed else "")
        if name not in self.definitions:
            self.definitions[name] = {}  # a model that contains itself refers to this entry
            schema = self.section(section, fixed=fixed, without=tag)
            if tag:
                leaf = section.fields[tag].kind
                assert isinstance(leaf, Leaf)
                schema["properties"] = {tag: leaf.adapter.json_schema(), **schema["properties"]}
            self.definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}


def _untyped(section: Section) -> Kind:
    field = section.field("any_other")
    assert field is not None
    return field.kind


def _default(field: Field) -> Json:
    simple = field.default is None or isinstance(field.default, bool | int | float | str)
    return {"default": field.default} if simple and isinstance(field.kind, Leaf) else {}


def _dimensions(leaf: Leaf, value: Json) -> list[Json]:
    prior: Json = {"prior": value, **_BELIEVED}
    choices = {"choices": {"type": "array", "items": value or _SCALAR, "minItems": 1, "uniqueItems": True}}
    forms = [_object({**choices, **prior}, ["choices"])]
    if leaf.scalars & {int, float, Any}:
        bound = value or {"type": "number"}
        scale: Json = {"log": {"type": "boolean"}, "step": {"type": "number", "exclusiveMinimum": 0}}
        forms.insert(0, _object({"low": bound, "high": bound, **scale, **prior}, ["low", "high"]))
    return forms


def _branching(bodies: Json, patterns: Json, other_bodies: Json) -> Json:
    choices: Json = {"type": "object", "properties": bodies, "patternProperties": patterns}
    choices |= {"additionalProperties": other_bodies, "minProperties": 1}
    return _object({"choices": choices, "prior": {"type": "string"}, **_BELIEVED}, ["choices"])


def _branching_list(names: Json) -> Json:
    choices: Json = {"type": "array", "items": names, "minItems": 1, "uniqueItems": True}
    return _object({"choices": choices, "prior": {"type": "string"}, **_BELIEVED}, ["choices"])


def _object(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
