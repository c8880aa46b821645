"""Only packages by name, and wheels of the code directory, may be installed."""

from __future__ import annotations

import pytest

from cleanroom_ml.specs.requirements import Requirement, parse_requirement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xgboost", Requirement("xgboost")),
        ("Scikit_Learn>=1.0,<2", Requirement("scikit-learn", "<2,>=1.0")),
        ("ray[tune,train]==2.9", Requirement("ray", "==2.9", extras=("train", "tune"))),
        ('tomli; python_version < "3.11"', Requirement("tomli", "", 'python_version < "3.11"')),
        ("wheels/mine-1.0-py3-none-any.whl", Requirement("mine", "==1.0", wheel="wheels/mine-1.0-py3-none-any.whl")),
        ("./my_pkg-1.0-py3-none-any.whl", Requirement("my-pkg", "==1.0", wheel="my_pkg-1.0-py3-none-any.whl")),
    ],
)
def test_accepted(text: str, expected: Requirement) -> None:
    assert parse_requirement(text) == expected


@pytest.mark.attack
@pytest.mark.parametrize(
    "text",
    [
        "-r other.txt",
        "--index-url https://evil.example",
        " --extra-index-url=https://evil.example",
        "-e .",
        "https://evil.example/x-1.0-py3-none-any.whl",
        "x @ https://evil.example/x-1.0-py3-none-any.whl",
        "x@file:///etc/passwd",
        "file:x-1.0-py3-none-any.whl",
        "git+https://evil.example/x",
        "git+ssh://git@evil.example/x",
        "/tmp/x-1.0-py3-none-any.whl",
        "../x-1.0-py3-none-any.whl",
        "a/../../x-1.0-py3-none-any.whl",
        "a\\x-1.0-py3-none-any.whl",
        "notawheel.whl",
        "x-1.0.tar.gz",
        "x-1.0.zip; python_version > '3'",
        "x-1.0-py3-none-any.whl[extra]",
        ".",
        "./pkg",
        "",
        "xgboost --index-url https://evil.example",
        "xgboost --hash=sha256:00",
        "xgboost\n--index-url https://evil.example",
        "xgboost # comment",
        "xgboost ; import os",
        "${HOME}",
        "a" * 501,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_requirement(text)
