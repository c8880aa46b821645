"""The operator's index, as the resolver's sandbox has it: its hosts and directories, without its credentials."""

from __future__ import annotations

import base64
import http.server
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jobs_wheels import Index, needs, wheel_bytes, wheel_name

from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.layers import index_program, operator_index, sandboxed_pip
from cleanroom_ml.engine.jobs.layers.errors import PackageIndexError
from cleanroom_ml.engine.sandbox.policy import SandboxSpec
from cleanroom_ml.engine.storage.objects import ObjectStore


@dataclass
class Served:
    """A web server: `pages` by path, a page being bytes or the address that it redirects to."""

    pages: dict[str, bytes | str] = field(default_factory=dict)
    secret: str = ""
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def offer(self, name: str, at: str = "") -> None:
        """A package, its page linking to its file `at` another server perhaps."""
        wheel = wheel_name(name)
        self.pages[f"/simple/{name}/"] = f'<a href="{at}/files/{wheel}">{wheel}</a>'.encode()
        self.pages[f"/files/{wheel}"] = wheel_bytes(name)


def serve() -> tuple[Served, http.server.ThreadingHTTPServer]:
    served = Served()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            page = served.pages.get(self.path)
            if served.secret and self.headers["Authorization"] != served.secret:
                self.send_error(401)
            elif isinstance(page, str):
                self.send_response(302)
                self.send_header("Location", page)
                self.end_headers()
            elif page is None:
                self.send_error(404)
            else:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None: ...

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = running.server_port
    threading.Thread(target=running.serve_forever, daemon=True).start()
    return served, running


@pytest.fixture
def index() -> Iterator[Served]:
    served, running = serve()
    yield served
    running.shutdown()
    running.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Served]:
    served, running = serve()
    yield served
    running.shutdown()
    running.server_close()


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "home" / "objects")


def operator(tmp_path: Path, url: str, **more: str) -> dict[str, str]:
    """The environment of an operator whose index this is."""
    home = tmp_path / "operator"
    home.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{url}/simple",
        "no_proxy": "*",
        **more,
    }


def relaying(tmp_path: Path, environ: Mapping[str, str], max_bytes: int) -> Any:
    work = tmp_path / "work"
    work.mkdir()
    return operator_index.operator_index(work, environ, private=tmp_path / "home", max_bytes=max_bytes)


def names(environments: Environments, objects: ObjectStore, *lines: str) -> list[str]:
    return [each["name"] for each in environments.lock(needs(objects, *lines))["packages"]]


@pytest.mark.sandbox
@pytest.mark.attack
@pytest.mark.parametrize("kept", ["address", pytest.param("netrc", marks=pytest.mark.slow)])
def test_credentials_of_the_index_stay_outside(
    index: Served, objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    """They are added on the way; in the sandbox, nothing holds them: no file, argument, variable or mount."""
    index.offer("uplift")
    index.secret = "Basic " + base64.b64encode(b"ann:s3cret").decode()
    url = index.url.replace("//", "//ann:s3cret@") if kept == "address" else index.url
    environ = operator(tmp_path, url)
    if kept == "netrc":
        netrc = Path(environ["HOME"], ".netrc")
        netrc.write_text("machine 127.0.0.1 login ann password s3cret\n")
        netrc.chmod(0o600)
    specs: list[SandboxSpec] = []
    run = sandboxed_pip.run

    def recorded(spec: SandboxSpec, **more: Any) -> Any:
        specs.append(spec)
        return run(spec, **more)

    monkeypatch.setattr(sandboxed_pip, "run", recorded)
    assert names(Environments(tmp_path / "home", objects, environ=environ), objects, "uplift") == ["uplift"]
    (spec,) = specs
    assert "127.0.0.1" in repr(spec)
    assert "s3cret" not in repr(spec)
    assert not any(mount.source == Path(environ["HOME"]) for mount in spec.mounts)
    assert not any((tmp_path / "home").is_relative_to(mount.source) for mount in spec.mounts)


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.attack
def test_a_link_to_another_host_is_not_followed(
    index: Served, elsewhere: Served, objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page links to, a publisher may have written. What the index redirects to is its operator's word."""
    elsewhere.offer("uplift")
    index.offer("uplift", at=elsewhere.url)
    environments = Environments(tmp_path / "home", objects, environ=operator(tmp_path, index.url))
    with pytest.raises(JobsError, match="lies on a host that is not the operator's index") as caught:
        environments.lock(needs(objects, "uplift"))
    assert operator_index.HOSTS in str(caught.value.fix)
    assert str(elsewhere.port) not in f"{caught.value.what} {caught.value.why} {caught.value.fix}"
    assert elsewhere.asked == []
    with monkeypatch.context() as patch:  # without the control
        text = Path(index_program.__file__).read_text()
        weak = tmp_path / "weak.py"
        weak.write_text(text.replace("if not self.server.gate.allows(address):", "if False:"))
        patch.setattr(operator_index, "_PROGRAM", weak)
        assert names(environments, objects, "uplift") == ["uplift"]
        assert elsewhere.asked
    index.offer("uplift")
    index.pages[f"/files/{wheel_name('uplift')}"] = f"{elsewhere.url}/files/{wheel_name('uplift')}"
    assert names(environments, objects, "uplift") == ["uplift"]


@pytest.mark.attack
def test_only_reading_and_only_from_the_index(index: Served, elsewhere: Served, tmp_path: Path) -> None:
    """Whoever writes to the socket himself gets no further than pip does."""
    index.pages["/simple/"] = b"the index"
    environ = operator(tmp_path, index.url)
    with relaying(tmp_path, environ, 1 << 20) as shown:

        def status(request: str) -> str:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(shown.socket))
                client.sendall(f"{request} HTTP/1.0\r\n\r\n".encode())
                return client.makefile("rb").readline().decode().split()[1]

        assert status(f"GET {index.url}/simple/") == "200"
        assert status(f"GET {elsewhere.url}/simple/") == "403"
        for method in ("POST", "PUT", "DELETE", "CONNECT", "OPTIONS"):
            assert status(f"{method} {index.url}/simple/") == "501"
        for target in (
            "/simple/",
            "file:///etc/passwd",
            f"http://x@127.0.0.1:{index.port}/",
            "http://[::1",
            "ftp://x/",
        ):
            assert status(f"GET {target}") == "403"
        assert elsewhere.asked == []
        assert f"127.0.0.1:{elsewhere.port}" in shown.refused_hosts()


@pytest.mark.attack
def test_credentials_go_to_the_index_and_to_what_it_names_and_to_nothing_else_of_its_host(
    index: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.secret = "Basic " + base64.b64encode(b"reader:s3cret").decode()
    index.pages |= {"/admin/secret": b"the operator's", "/simple2/": b"another's", "/files/x y.whl": b"wheel"}
    index.pages["/simple/x/"] = (
        b'<a href="../../files/x%20y.whl#sha256=0">x</a> {"files": [{"url": "\\/files\\/j.whl"}]}'
        b'<a href="https://elsewhere.example.com/admin">y</a>'
    )
    environ = operator(tmp_path, index.url.replace("//", "//reader:s3cret@"))
    refused = (
        *(
            "/admin/secret",
            "/files/other.whl",
            "/simple2/",
            "/",
            "/simple/../admin/secret",
            "/simple/%2e%2e/admin/secret",
        ),
        *("/simple/..%2fadmin/secret", "/simple/%252e%252e/admin/secret", "/simple/..\\admin/secret"),
    )
    with relaying(tmp_path, environ, 1 << 20) as shown:

        def status(path: str) -> str:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(shown.socket))
                client.sendall(f"GET {index.url}{path} HTTP/1.0\r\n\r\n".encode())
                return client.makefile("rb").read().split()[1].decode()

        assert status("/files/x%20y.whl") == "403", "nothing named it yet"
        assert status("/simple/x/") == "200"
        assert status("/files/j.whl") == status("/files/x%20y.whl.metadata") == "404"
        assert "/files/x%20y.whl.metadata" in index.asked
        assert [status(path) for path in refused] == ["403"] * len(refused)
        assert not set(refused) & set(index.asked)


@pytest.mark.attack
def test_no_more_is_fetched_than_a_layer_may_hold(index: Served, tmp_path: Path) -> None:
    index.pages["/simple/"] = bytes(1 << 20)
    environ = operator(tmp_path, index.url)
    with relaying(tmp_path, environ, 100_000) as shown, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(shown.socket))
        client.sendall(f"GET {index.url}/simple/ HTTP/1.0\r\n\r\n".encode())
        received = client.makefile("rb").read()
    assert len(received) < 300_000


@pytest.mark.attack
@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://pypi.org/simple/x/", True),
        ("https://files.pythonhosted.org/packages/x.whl", True),
        ("https://cdn.example.com/x.whl", True),
        ("https://PyPI.org./simple/x/", True),
        ("https://pypi.org:443/simple/x/", True),
        ("http://pypi.org/simple/x/", False),
        ("https://pypi.org:8443/simple/x/", False),
        ("https://pypi.org.example.com/x", False),
        ("https://pypi.org@example.com/x", False),
        ("https://example.com#pypi.org", False),
        ("https://example.com\\@pypi.org/", False),
        ("http://cdn.example.com/x.whl", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
        ("https://pypi.org/a b", False),
        ("https://pypi.org/\u00e4", False),
        ("https://pypi.org/" + "x" * 5_000, False),
        ("", False),
    ],
)
def test_what_is_fetched(address: str, allowed: bool) -> None:
    gate = index_program.Gate(["https://pypi.org/simple"], ["file:///wheels", "/wheels"], ["cdn.example.com"])
    assert gate.allows(address) == allowed


def test_a_redirect_is_the_word_of_the_index_alone() -> None:
    gate = index_program.Gate(["https://index.example.com/simple"], [], ["cdn.example.com"])
    gate.redirect("https://index.example.com/a.whl", "https://store.example.com/a?signed=1")
    assert not gate.allows("https://store.example.com/a?signed=1"), "no page of the index names it"
    gate.link("https://index.example.com/simple/a/", "/a.whl")
    gate.redirect("https://index.example.com/a.whl", "https://store.example.com/a?signed=1")
    assert gate.allows("https://store.example.com/a?signed=1")
    assert not gate.allows("https://store.example.com/b")
    gate.redirect("https://index.example.com/a.whl", "http://weaker.example.com/a")
    assert not gate.allows("http://weaker.example.com/a")
    gate.redirect("https://cdn.example.com/a.whl", "https://third.example.com/a")
    assert not gate.allows("https://third.example.com/a"), "only the index itself may send elsewhere"


def shown(tmp_path: Path, environ: Mapping[str, str] | None = None, **told: tuple[str, ...]) -> tuple[Any, list[str]]:
    """pip's options in the sandbox, and what is mounted for them."""
    configured = operator_index._Configured(**told)
    options, mounts = operator_index._as_options(configured, environ or {}, tmp_path / "home")
    return options, sorted(mount.target for mount in mounts)


def test_directories_of_packages_are_shown_and_no_more(tmp_path: Path) -> None:
    for name in ("mirror/simple", "mirror/packages", "links", "home/objects", "person/wheels"):
        (tmp_path / name).mkdir(parents=True)
    simple, links = (tmp_path / "mirror" / "simple").as_uri(), str(tmp_path / "links")
    options, mounts = shown(tmp_path, index_urls=(simple, "file:///absent/simple"), find_links=(links, "~/wheels"))
    assert options[:4] == ("--index-url", simple, "--extra-index-url", "file:///absent/simple")
    assert mounts == [links, str(tmp_path / "mirror")], "an index's files lie beside its pages"
    environ = {"HOME": str(tmp_path / "person")}
    options, mounts = shown(tmp_path, environ, find_links=("~/wheels",), index_urls=())
    assert options == ("--no-index", "--find-links", str(tmp_path / "person" / "wheels"))
    assert mounts == [str(tmp_path / "person" / "wheels")]
    in_home = (tmp_path / "person" / "wheels").as_uri()
    assert shown(tmp_path, environ, index_urls=(in_home,))[1] == [str(tmp_path / "person" / "wheels")]


@pytest.mark.attack
@pytest.mark.parametrize("wide", ["/", "person", "home", "."])
def test_a_directory_that_holds_a_home_is_not_shown(tmp_path: Path, wide: str) -> None:
    (tmp_path / "person").mkdir()
    (tmp_path / "home").mkdir()
    with pytest.raises(PackageIndexError, match="holds a home"):
        shown(tmp_path, {"HOME": str(tmp_path / "person")}, find_links=(str(tmp_path / wide),))


def test_addresses_lose_their_credentials(tmp_path: Path) -> None:
    options, _ = shown(
        tmp_path,
        index_urls=("https://ann:s3cret@index.example.com:8443/simple",),
        find_links=("https://token@links.example.com/",),
        trusted_hosts=("links.example.com",),
        constraints=("https://a:b@index.example.com/constraints.txt",),
    )
    assert "--index-url https://index.example.com:8443/simple" in " ".join(options)
    assert "@" not in " ".join(options)


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_operators_constraints_hold(objects: ObjectStore, tmp_path: Path) -> None:
    directory = Index(tmp_path / "index")
    for version in ("1.0", "2.0"):
        directory.add("uplift", version)
    (tmp_path / "constraints.txt").write_text("uplift<2\n")
    environ = {**directory.environ, "PIP_CONSTRAINT": str(tmp_path / "constraints.txt")}
    lock = Environments(tmp_path / "home", objects, environ=environ).lock(needs(objects, "uplift"))
    assert [each["version"] for each in lock["packages"]] == ["1.0"]
