"""docs/reference/configuration.md: every key of a space file, from the models that check it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.fields import Field, Leaf, Section, Variants

from .markdown import code, table

HEAD = """# Configuration

Every key of a space file and of a trial's saved configuration: what may stand there, what holds where nothing stands,
and what it means. How a value becomes a dimension is said in [the space language](../space-language.md); a key marked
*fixed* takes none, since trials are compared with each other. A relative *path* is meant from the file that says it.
Written by `python docs/generate.py`; `hpo schema` prints the same for editors.

"""
COLUMNS = ("key", "values", "default", "means")
TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "`true`, `false`",
    "null": "`null`",
    "object": "mapping",
}
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<", "maxLength": "length <="}


def page() -> str:
    """The whole page."""
    fields = Section(SpaceFile).fields
    plain = {name: field for name, field in fields.items() if isinstance(field.kind, Leaf)}
    sections = {name: field for name, field in fields.items() if name not in plain}
    parts = (_section(name, field) for name, field in sections.items())
    return HEAD + f"## At the top\n\n{_rows(plain, '')}" + "".join(parts)


def _section(name: str, field: Field) -> str:
    if isinstance(field.kind, Section):
        return f"\n## {name}\n\n{_about(field.kind, field)}\n\n{_rows(field.kind.fields, f'{name}.')}"
    assert isinstance(field.kind, Variants)
    chosen = getattr(field.default, field.kind.tag)
    head = f"\n## {name}\n\nOne of these, by its `{field.kind.tag}`; `{chosen}` where nothing is said.\n"
    return head + "".join(_variant(name, Section(model), field.kind.tag) for model in field.kind.models)


def _variant(name: str, section: Section, tag: str) -> str:
    field = section.fields[tag]
    title = code(field.default) if field.default is not ... else field.description
    others = {key: each for key, each in section.fields.items() if key != tag}
    return f"\n### {name}: {title}\n\n{_about(section)}\n" + (f"\n{_rows(others, f'{name}.')}" if others else "")


def _about(section: Section, field: Field | None = None) -> str:
    return " ".join(
        [
            *(["*Fixed.*"] if field and field.fixed else []),
            (section.model.__doc__ or "").strip().replace("\n    ", "\n"),
        ]
    )


def _rows(fields: Mapping[str, Field], prefix: str) -> str:
    return table(COLUMNS, (_row(prefix + name, field) for name, field in fields.items()))


def _row(key: str, field: Field) -> list[str]:
    assert isinstance(field.kind, Leaf)
    marks = [f"*{mark}*" for mark in ("fixed", "path") if getattr(field, mark)]
    return [
        code(key),
        _values(field.kind.adapter.json_schema()),
        _default(field.default),
        " ".join([field.description, *_needs(field), *marks]).strip(),
    ]


def _needs(field: Field) -> Iterator[str]:
    """What must stand beside a key for it to have an effect."""
    partners = [code(key if value is None else f"{key}: {_yaml(value)}") for key, value in field.needs.items()]
    if partners:
        yield f"Only with {' or '.join(partners)}."


def _values(schema: Mapping[str, Any]) -> str:
    """What a JSON Schema allows, in words."""
    if "$ref" in schema or not schema:
        return "any"
    if "anyOf" in schema:
        return " or ".join(map(_values, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(code(_yaml(value)) for value in schema.get("enum", [schema.get("const")]))
    if schema["type"] == "array":
        return f"list of {_values(schema['items'])}"
    return " ".join([TYPES[schema["type"]], _range(schema)]).strip()


def _range(schema: Mapping[str, Any]) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"from {schema['minimum']} to {schema['maximum']}"
    return ", ".join(f"{sign} {schema[bound]}" for bound, sign in BOUNDS.items() if bound in schema)


def _default(value: Any) -> str:
    return "required" if value is ... else code(_yaml(value))


def _yaml(value: Any) -> str:
    """A value as a space file has it; JSON is YAML, and words need no quotes."""
    return value if isinstance(value, str) else json.dumps(value)
