import pytest
from hpo.common.masking import first_line, is_masked, masked

SECRET = "s3cr3t"
HIDDEN = {
    "postgresql://ann:s3cr3t@host/hpo": "postgresql://ann:***@host/hpo",
    "postgresql+psycopg://ann:a/s3cr3t?#@host/hpo": "postgresql+psycopg://ann:***@host/hpo",
    "mysql://:s3cr3t@host/hpo": "mysql://:***@host/hpo",
    "https://ann:s3cr3t@host:5000/a@b": "https://ann:***@host:5000/a@b",
    "https://ann:x@s3cr3t@host/": "https://ann:***@host/",
    "https://s3cr3t@host/": "https://***@host/",
    "HTTPS://s3cr3t@host/": "HTTPS://***@host/",
    "https://host/?token=s3cr3t": "https://host/?token=***",
    "https://host/mlflow?a=1&Access_Token=s3cr3t&b=2": "https://host/mlflow?a=1&Access_Token=***&b=2",
    "https://host/?%74oken=s3cr3t": "https://host/?%74oken=***",
    "https://host/#api_key=s3cr3t": "https://host/#api_key=***",
    "https://host/?X-Amz-Signature=s3cr3t": "https://host/?X-Amz-Signature=***",
    "postgresql://host/hpo?user=ann&password=s3cr3t": "postgresql://host/hpo?user=ann&password=***",
    "cannot reach https://a:s3cr3t@x/ nor https://y/?pwd=s3cr3t": "cannot reach https://a:***@x/ nor https://y/?pwd=***",
}


@pytest.mark.parametrize("url", HIDDEN)
def test_no_secret_is_left(url: str) -> None:
    assert masked(url) == HIDDEN[url]
    assert is_masked(masked(url))
    assert masked(masked(url)) == masked(url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////home/ann/runs/mlflow.db",
        "sqlite:////home/a@b/runs/mlflow.db",
        "postgresql://ann@host/hpo",
        "http://host:5000/x@y?page=2",
        "https://host/?monkey",
        "databricks://profile",
        "no url: a@b",
    ],
)
def test_the_rest_stays(url: str) -> None:
    assert masked(url) == url


def test_an_error_is_its_first_line_without_secrets() -> None:
    assert first_line(OSError(f"\n cannot reach https://ann:{SECRET}@host/ \nretried 5 times")) == (
        "cannot reach https://ann:***@host/ "
    )
    assert first_line(KeyError()) == "KeyError"
    assert len(first_line(ValueError("x" * 1_000))) == 300
