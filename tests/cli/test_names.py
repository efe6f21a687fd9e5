import pytest

from likeness.cli.names import comparable, distinct_names, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Zoë ☺", "Zoë ☺"),
        ("Zoe\u0308", "Zoë"),  # accents as macOS writes them
        ("..", "photo"),  # the stem of `...png`
        ("", "photo"),
        (" . .", "photo"),
        ("me. ", "me"),
        (".hidden", "hidden"),
        ("a:b?c\x07", "a_b_c_"),
        ("..\\..\\windows", "_.._windows"),
        ("bytes\udcff", "bytes_"),  # a name that is no text
        ("CON", "_CON"),
        ("nul.tar", "_nul.tar"),
        ("Com1 ", "_Com1"),
        ("LPT³", "_LPT³"),
        ("console", "console"),
        ("é" * 200, "é" * 90),
    ],
)
def test_every_system_takes_the_name(name, safe):
    assert safe_name(name) == safe and safe_name(safe) == safe


def test_names_differ_on_every_system():
    assert distinct_names(["a", "A", "Zoë", "Zoe\u0308", "..", "b"]) == ["a", "A-2", "Zoë", "Zoë-2", "photo", "b"]


def test_a_number_makes_no_other_name_give_way():
    assert distinct_names(["a", "a", "a-2", "a"]) == ["a", "a-3", "a-2", "a-4"]


def test_many_names_are_distinct():
    given = distinct_names(["photo"] * 300 + ["PHOTO-7"])
    assert len({comparable(name) for name in given}) == 301 and given[-1] == "PHOTO-7"
