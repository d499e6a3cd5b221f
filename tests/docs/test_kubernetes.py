"""The manifest of docs/clusters.md: valid, and it asks for what hpo has."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hpo.search.cli.parse import parsed
from hpo.search.commands.run.options import RunOptions
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.load import load_space
from sqlalchemy import make_url

MANIFEST = Path(__file__).parents[2] / "docs" / "kubernetes.yaml"
PARTS: list[dict[str, Any]] = list(yaml.safe_load_all(MANIFEST.read_text()))


def part(kind: str, name: str) -> dict[str, Any]:
    (manifest,) = [each for each in PARTS if each["kind"] == kind and each["metadata"]["name"] == name]
    return manifest


@pytest.mark.parametrize("each", PARTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_it_is_valid(each: dict[str, Any]) -> None:
    kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_it_asks_for_what_there_is(tmp_path: Path) -> None:
    pod = part("Job", "hpo-search")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    program, verb, *arguments = container["args"]
    options = parsed(verb, arguments, RunOptions)
    assert (program, verb, options.trials) == ("hpo", "run", 200)
    space = tmp_path / "space.yaml"
    space.write_text(part("ConfigMap", "hpo-space")["data"]["space.yaml"])
    load_space(str(space), SpaceFile, [])
    values = {each["name"]: each.get("value") for each in container["env"]}
    service = part("Service", "hpo-database")
    url = make_url(values["HPO_STORAGE"])
    assert (url.host, url.password) == (service["metadata"]["name"], None)
    database = part("StatefulSet", "hpo-database")["spec"]["template"]
    assert database["metadata"]["labels"] == service["spec"]["selector"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]}
    for spec in (pod, database["spec"]):
        claims = [claim for each in spec["volumes"] if (claim := each.get("persistentVolumeClaim"))]
        assert all(part("PersistentVolumeClaim", claim["claimName"]) for claim in claims)
