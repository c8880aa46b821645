"""What changed from one manifest to another."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.artifacts.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ManifestDiff:
    """Paths, each tuple sorted as in a manifest. `added` are in the new one only, `removed` in the old one only."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        return not (self.added or self.removed or self.changed)

    def describe(self) -> list[str]:
        """One line for each file: `added: a.py`, `removed: b.py`, `changed: c.py`."""
        return [
            f"{kind}: {path}"
            for kind, paths in (("added", self.added), ("removed", self.removed), ("changed", self.changed))
            for path in paths
        ]


def compare(old: Manifest, new: Manifest) -> ManifestDiff:
    """The difference; by content, so that a moved file is one removed and one added."""
    before, after = old.by_path(), new.by_path()
    return ManifestDiff(
        added=tuple(path for path in after if path not in before),
        removed=tuple(path for path in before if path not in after),
        changed=tuple(path for path in before if path in after and before[path] != after[path]),
    )
