"""The resolver's sandbox: no code of a package runs, no address is followed, and what reads a package has limits."""

from __future__ import annotations

import http.server
import json
import logging
import os
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs_wheels import Index, needs, sdist_bytes, wheel_bytes, wheel_name

from cleanroom_ml.engine.jobs import environments as environments_module
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.layers import pip, sandboxed_pip
from cleanroom_ml.engine.jobs.layers.diagnosis import diagnose
from cleanroom_ml.engine.jobs.layers.errors import PackageIndexError, UnsafeWheelError
from cleanroom_ml.engine.jobs.layers.policy import LayerLimits
from cleanroom_ml.engine.storage.objects import ObjectStore

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

GIVES_ITSELF_AWAY = """
import os
print(f"SETUP RAN uid={os.getuid()} home={os.path.exists(HOME)} net={open('/proc/net/route').read().count(chr(10))}")
open(RAN, "w").write("ran")
raise SystemExit(1)
"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server of somebody else's, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def weaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *controls: str) -> None:
    """The resolver's program without single controls: the lines that switch them on."""
    text = Path(sandboxed_pip.RESOLVER).read_text()
    for control in controls:
        assert f"        {control}()\n" in text
        text = text.replace(f"        {control}()\n", "        pass\n")
    weak = tmp_path / "weak" / "resolve.py"
    weak.parent.mkdir()
    weak.write_text(text)
    monkeypatch.setattr(sandboxed_pip, "RESOLVER", weak)


def hostile_source(tmp_path: Path, where: Path) -> tuple[Path, Path]:
    """A source package whose setup.py says what it sees, and the file that it would leave on this machine."""
    ran = tmp_path / "ran"
    setup = f"RAN, HOME = {str(ran)!r}, {str(tmp_path / 'home')!r}\n{GIVES_ITSELF_AWAY}"
    path = where / "target-1.0.tar.gz"
    path.write_bytes(sdist_bytes("target", "1.0", setup))
    return path, ran


@pytest.mark.parametrize(
    ("address", "depth"),
    [
        ("file", 0),
        ("http", 1),
        ("ours", 2),
        *(pytest.param(each, depth, marks=pytest.mark.slow) for each, depth in (("http", 0), ("ours", 0), ("file", 2))),
    ],
)
def test_a_dependency_on_an_address_is_refused_by_name(
    environments: Environments,
    objects: ObjectStore,
    index: Index,
    tmp_path: Path,
    server: tuple[str, list[str]],
    address: str,
    depth: int,
) -> None:
    """In a wheel of the code directory, in a package of the index, in what that needs; also beside the index itself."""
    source, ran = hostile_source(tmp_path, index.directory if address == "ours" else tmp_path)
    url, asked = server
    link = f"{url}/target-1.0.tar.gz" if address == "http" else source.as_uri()
    path = f"wheels/{wheel_name('mine')}"
    hostile = [f"target @ {link}"]
    if depth == 0:
        code, asks = wheel_bytes("mine", requires=hostile), "mine"
    else:
        code, asks = wheel_bytes("mine", requires=["first"]), "first" if depth == 1 else "second"
        index.add("first", requires=hostile if depth == 1 else ["second"])
        index.add("second", requires=hostile if depth == 2 else [])
    with pytest.raises(JobsError) as caught:
        environments.lock(needs(objects, path, code={path: code}))
    assert not ran.exists(), "the source package's setup.py ran"
    assert asked == []
    assert caught.value.name == "DirectReferenceError"
    assert f"{asks} 1.0 requires target from an address" in caught.value.what


@pytest.mark.slow
def test_a_dependency_of_an_extra_that_nobody_asks_for_is_none(
    environments: Environments, objects: ObjectStore, index: Index
) -> None:
    """Many private wheels have such a line for their developers."""
    index.add("mine", requires=["target @ https://example.com/x.tar.gz ; extra == 'dev'"])
    assert len(environments.lock(needs(objects, "mine"))["packages"]) == 1


def test_nothing_is_built_even_where_addresses_are_followed(
    environments: Environments,
    objects: ObjectStore,
    index: Index,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second line: no process starts. Without that as well, setup.py runs in a sandbox that has nothing."""
    source, ran = hostile_source(tmp_path, index.directory)
    index.add("mine", requires=[f"target @ {source.as_uri()}"])
    monkeypatch.setattr(sandboxed_pip, "ALWAYS", (*sandboxed_pip.ALWAYS, "--no-build-isolation", "-v"))
    with monkeypatch.context() as patch:
        weaken(tmp_path, patch, "refuse_addresses")
        with caplog.at_level(logging.WARNING), pytest.raises(JobsError):
            environments.lock(needs(objects, "mine"))
    assert "no process is started here" in caplog.text
    assert "SETUP RAN" not in caplog.text
    (tmp_path / "weak" / "resolve.py").unlink()
    (tmp_path / "weak").rmdir()
    weaken(tmp_path, monkeypatch, "refuse_addresses", "forbid_processes")
    with caplog.at_level(logging.WARNING), pytest.raises(JobsError):
        environments.lock(needs(objects, "mine"))
    said = re.search(r"SETUP RAN uid=(\d+) home=(\w+) net=(\d+)", caplog.text)
    assert said is not None, caplog.text
    assert (said[1] != "0", said[2], said[3]) == (True, "False", "1"), "of routes there is the heading only"
    assert not ran.exists()


def test_the_engine_reads_no_package_itself(
    environments: Environments, objects: ObjectStore, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by zipfile nor by a pip that runs as its user."""
    index.add("helper")
    path = f"wheels/{wheel_name('mine')}"
    start = zipfile.ZipFile.__init__

    def writes_only(self: zipfile.ZipFile, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> None:
        assert mode == "w", "the engine's process opens a package"
        start(self, file, mode, *args, **kwargs)  # type: ignore[arg-type]

    def never(*_: object, **__: object) -> None:
        raise AssertionError("outside of a sandbox")

    wanted = needs(objects, path, code={path: wheel_bytes("mine", requires=["helper"])})
    monkeypatch.setattr(zipfile.ZipFile, "__init__", writes_only)
    monkeypatch.setattr(zipfile, "is_zipfile", never)
    monkeypatch.setattr(pip.Pip, "run", never)
    assert [each["name"] for each in environments.lock(wanted)["packages"]] == ["helper", "mine"]


def bomb(size: int) -> bytes:
    """A small wheel whose METADATA unpacks to `size` bytes."""
    return wheel_bytes("bomb", files={"bomb-1.0.dist-info/LICENSE": bytes(size), "bomb.py": ""})


def test_metadata_that_is_too_large_is_told_by_name(environments: Environments, objects: ObjectStore) -> None:
    path = f"wheels/{wheel_name('bomb')}"
    with pytest.raises(JobsError, match=r"bomb-1\.0-py3-none-any\.whl: its metadata unpacks to 33,554,432 bytes") as e:
        environments.lock(needs(objects, path, code={path: bomb(32 << 20)}))
    assert e.value.name == "LayerTooLargeError"


@pytest.mark.slow
@pytest.mark.parametrize("limited", [True, False])
def test_metadata_meets_the_limit_on_memory(
    objects: ObjectStore, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    """Whatever it is that takes the memory: here, what the first check would have named."""
    weaken(tmp_path, monkeypatch, "bound_metadata")
    path = f"wheels/{wheel_name('bomb')}"
    memory = 200 << 20 if limited else 2 << 30
    environments = Environments(
        tmp_path / "home", objects, environ=index.environ, limits=LayerLimits(resolve_memory=memory)
    )
    wanted = needs(objects, path, code={path: bomb(400 << 20)})
    with pytest.raises(JobsError) as caught:
        environments.lock(wanted)
    assert caught.value.name == "LayerTooLargeError"
    assert ("of memory" in caught.value.what) == limited, "without the limit it goes as far as the unpacker"


def entry(**changed: object) -> dict[str, object]:
    return {"name": "a", "version": "1", "wheel": "a-1-py3-none-any.whl", "sha256": "", "direct": False, **changed}


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 0, "found": {"a": 1}},
        {"code": 0, "found": ["a"]},
        {"code": 0, "found": [entry(name=1)]},
        {"code": 0, "found": [entry(name="a" * 301)]},
        {"code": 0, "found": [entry(version="1\n2")]},
        {"code": 0, "found": [entry(sha256="../../x")]},
        {"code": 0, "found": [entry(direct="yes")]},
        {"code": 0, "found": [entry(more=1)]},
        {"code": 0, "found": [{"name": "a"}]},
        [],
        "text",
        None,
    ],
)
def test_an_answer_without_the_right_shape_is_none(tmp_path: Path, answer: object) -> None:
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    with pytest.raises(UnsafeWheelError):
        sandboxed_pip._answer(tmp_path / "answer.json")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_bytes(b'{"code": "' + b"x" * (2 << 20) + b'"}'),
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: os.mkfifo(path),
        lambda path: path.mkdir(),
        lambda path: None,
    ],
)
def test_an_answer_that_is_no_bounded_file_is_none(tmp_path: Path, write: Callable[[Path], object]) -> None:
    write(tmp_path / "answer.json")
    with pytest.raises(PackageIndexError):
        sandboxed_pip._answer(tmp_path / "answer.json")


@pytest.mark.parametrize("wheel", ["../a-1-py3-none-any.whl", "b-1-py3-none-any.whl", "a-2-py3-none-any.whl", "a.whl"])
def test_a_wheel_is_the_package_that_it_says(wheel: str) -> None:
    with pytest.raises(JobsError):
        sandboxed_pip._found(entry(wheel=wheel))


def test_what_pip_says_is_read_in_bounds(tmp_path: Path) -> None:
    said = tmp_path / "output"
    said.write_bytes(b"x" * (3 << 20))
    assert len(pip.tail(said)) <= 1 << 17
    said.unlink()
    said.symlink_to("/etc/passwd")
    assert pip.tail(said) == ""


@pytest.mark.parametrize(
    "line",
    [
        "Could not find a version that satisfies the requirement ",
        "Could not find a version that satisfies the requirement x (from versions: ",
        "Could not fetch URL ",
        "Skipping link: No sources permitted: a",
        "Skipping link: No sources permitted: ",
        "a.",
        "The conflict is caused by:\n     ",
        "aaaa",
    ],
)
def test_no_words_of_pip_hold_up_the_engine(line: str) -> None:
    """They hold what a party wrote, a million characters of it: seconds, where looking back each time took hours."""
    text = f"ResolutionImpossible {line * ((1 << 20) // len(line))}"
    begin = time.monotonic()
    for output in (text, text.removeprefix("ResolutionImpossible")):
        diagnose(pip.PipRun(1, output, output), "x", constraint="the image has")
        environments_module._note(output)
    assert time.monotonic() - begin < 30
