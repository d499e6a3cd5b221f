import pytest
from hpo.errors import SpaceError
from hpo.search.commands.run.options import RunOptions
from hpo.studies.home import Home
from hpo.studies.study_name import OWN_NAMES, is_study_name, nearest_name, refusal
from hypothesis import given
from hypothesis import strategies as st

REFUSED = {
    "begin with a letter or digit and hold no slash and nothing invisible": [
        "../x",
        "..",
        ".",
        "",
        "/etc",
        ".ssh",
        "-rf",
        " a",
        "a/b",
        "a\nb",
        "a\x1b[2Jb",
        "a\u202eb",
        "a\0b",
        "a\udce4",
    ],
    "not end in a dot or space": ["x.", "x ", "a..", "con."],
    "have at most 200 bytes in UTF-8": ["x" * 201, "é" * 101, "猫" * 67],
    "not be one of the home's own": [
        *OWN_NAMES,
        "Cache",
        "TRAIN",
        "studies.db.lock",
        "mlflow.db-wal",
        "Studies.DB-shm",
    ],
    "not be one that Windows keeps": ["con", "CON", "nul", "Aux", "prn", "com1", "LPT9", "con.txt", "nul .x"],
}


@pytest.mark.parametrize(("law", "name"), [(law, name) for law, names in REFUSED.items() for name in names])
def test_a_name_is_refused_with_the_law_that_it_breaks_and_another(law: str, name: str) -> None:
    assert not is_study_name(name)
    assert refusal(name).startswith(f"must {law}")
    assert f"; try {nearest_name(name)!r}" in refusal(name)
    with pytest.raises(SpaceError, match=f"--study must {law}"):
        RunOptions("simple_cnn", 1, study=name)


NAMES = [
    "resnet",
    "resnet 2",
    "größe-3.1",
    "猫",
    "a:b",
    "no-1f",
    "a..b",
    "x" * 200,
    "_x",
    "cached",
    "console",
    "trains",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_people_give_are_folders(home: Home, name: str) -> None:
    assert is_study_name(name)
    assert home.export(name) == home.root / name / "export"


@given(st.one_of(st.text(), st.sampled_from([name for names in REFUSED.values() for name in names])))
def test_the_name_that_is_proposed_is_one(name: str) -> None:
    assert is_study_name(nearest_name(name))
    assert nearest_name(nearest_name(name)) == nearest_name(name)


def test_a_long_name_is_not_repeated_in_full() -> None:
    assert len(refusal("n" * 3000).partition("; try ")[0]) < 200
