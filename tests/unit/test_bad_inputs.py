"""The page of bad inputs names tests that exist, and is the one that the catalogue gives."""

from tests.bad_inputs import FAMILIES, PAGE, catalogue, page, places


def test_each_row_names_tests_that_exist() -> None:
    known = places()
    for name, row in catalogue().items():
        assert name[0] in FAMILIES
        assert int(name[1:]) <= FAMILIES[name[0]][1]
        assert row["tests"], name
        assert [test for test in row["tests"] if test not in known] == [], name


def test_the_page_is_that_of_the_catalogue() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.bad_inputs`"
