"""The sandbox without single controls, for tests that show what each of them prevents.

The product's driver has no such switch: this takes the options of a control out of what it would have started.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.drivers import Command
from cleanroom_ml.engine.sandbox.policy import SandboxSpec

OPTIONS = {
    "network": (("--unshare-net",),),
    "seccomp": (("--seccomp", None),),
    "processes": (("--unshare-pid",),),
    "host_files": (),
    "devices": (("--dev", "/dev"), ("--remount-ro", "/dev")),
    "read_only_root": (("--remount-ro", "/"),),
    "userns": (("--disable-userns",),),
    "limits": (),
}
"""The words that make each control; None is any word. Some need more than that: see `Weakened`."""


class Weakened(Bubblewrap):
    """Bubblewrap without these controls."""

    def __init__(self, *without: str) -> None:
        assert set(without) <= set(OPTIONS), f"unknown controls: {sorted(set(without) - set(OPTIONS))}"
        self.without = frozenset(without)
        if "host_files" in without:
            self._hidden = ()  # type: ignore[misc]

    @property
    def enforces_limits(self) -> bool:
        return "limits" not in self.without

    def prepare(self, spec: SandboxSpec, for_child: ExitStack, for_us: ExitStack, *, segments: bool = True) -> Command:
        command = super().prepare(spec, for_child, for_us, segments=segments)
        # Without a filter there is none to be seen either.
        return replace(command, marks_readiness=command.marks_readiness and "seccomp" not in self.without)

    def _options(self, spec: SandboxSpec, **how: Any) -> list[str]:
        options = super()._options(spec, **how)
        for control in sorted(self.without):
            for words in OPTIONS[control]:
                options = list(left_out(options, words))
        return options

    def _filesystem(self, spec: SandboxSpec, **how: Any) -> list[str]:
        options = super()._filesystem(spec, **how)
        if "devices" in self.without:
            at = options.index("--dev")
            options[at:at] = ["--dev-bind", "/dev", "/dev"]
        return options

    def _etc(self, *how: Any) -> list[str]:
        return ["--ro-bind", "/etc", "/etc"] if "host_files" in self.without else super()._etc(*how)


def left_out(options: list[str], words: tuple[str | None, ...]) -> Iterator[str]:
    """The options without these words, which must be among them for a root or for an ordinary user."""
    at = 0
    while at < len(options):
        here = options[at : at + len(words)]
        if len(here) == len(words) and all(word in (None, each) for word, each in zip(words, here, strict=True)):
            at += len(words)
        else:
            yield options[at]
            at += 1
