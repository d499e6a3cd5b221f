"""A search on an MLflow server of a team, from the first refusal to the registered model."""

import pytest

from ..mlflow_servers import SECRET, TeamServer
from .conftest import Shell


@pytest.mark.slow
def test_a_server_with_users_has_trials_and_model_and_nothing_has_the_password(shell: Shell, team: TeamServer) -> None:
    quick = ("--skip-export-check", "--tracking-uri")
    refused = shell.search(*quick, team.uri("wr0ng-passw0rd"), trials=1, epochs=1)
    assert f"MLflow at {team.uri('***')} does not let you in" in refused.refused()
    assert not (shell.directory / "runs" / "simple_cnn").exists()
    searched = shell.search(*quick, team.uri(), trials=1, epochs=1)
    assert searched.code == 0, searched.err
    untrained = shell.run("retrain-best", "--tracking-uri", team.uri("wr0ng-passw0rd"))
    assert "does not let you in" in untrained.refused()
    assert not [*shell.directory.rglob("retrain/*/last.ckpt")]
    retrained = shell.run("retrain-best", "--tracking-uri", team.uri(), "--json")
    assert retrained.code == 0, retrained.err
    assert retrained.json["registered"] == "models:/simple_cnn@champion"
    assert retrained.json["registry"] == team.uri("***")
    assert team.runs("simple_cnn") == [("champion", "FINISHED"), ("simple_cnn", "FINISHED"), ("trial-0000", "FINISHED")]
    assert {"config.json", "model.onnx", "study.json", "manifest.json"} <= {*team.files("simple_cnn")}
    for secret in (SECRET, "wr0ng-passw0rd"):
        assert not [each for each in (refused, searched, untrained, retrained) if secret in each.out + each.err]
        files = [path for path in shell.directory.rglob("*") if path.is_file()]
        assert not [path for path in files if secret.encode() in path.read_bytes()]
