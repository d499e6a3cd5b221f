"""The JSON Schema of manifest.json: `python -m hpo.training.export.manifest_schema` prints it for common/."""

import json
from typing import Any

from .manifest import ExportManifest

_CONFIG = {"type": "object", "description": "The whole configuration, as spaces/space.schema.json has its fields."}


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of the manifests that are written.

    That of the configuration is a file of its own.
    """
    whole = ExportManifest.model_json_schema(mode="serialization")
    whole["properties"]["config"] = _CONFIG
    whole["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    whole["title"] = "manifest.json of an export of hpo"
    whole["$defs"] = {name: part for name, part in whole["$defs"].items() if name in _named(whole)}
    return whole


def _named(schema: dict[str, Any]) -> set[str]:
    """Names of the parts that `schema` leads to."""
    names: set[str] = set()
    waiting = [schema["properties"]]
    while waiting:
        text = json.dumps(waiting.pop())
        new = {name for name in schema["$defs"] if f'"#/$defs/{name}"' in text} - names
        waiting += [schema["$defs"][name] for name in new]
        names |= new
    return names


if __name__ == "__main__":
    print(json.dumps(manifest_schema(), indent=1))
