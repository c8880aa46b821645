"""The NVIDIA GPUs of this machine: which there are, and what of the host a job needs to use those it is given.

Nothing is loaded and nothing of NVIDIA's runs: the loaded driver shows itself under /proc/driver/nvidia, each GPU by
its device node /dev/nvidia<minor>. A job is given GPUs by their minors, which name the nodes that its sandbox gets.
Source: NVIDIA driver README, "Device nodes" and "The /proc interface".
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.errors import SandboxStartError
from cleanroom_ml.engine.sandbox.policy import Mount

_NODE: Final = re.compile(r"nvidia([0-9]{1,4})\Z")
_SHARED: Final = ("nvidiactl", "nvidia-uvm")
_OPTIONAL: Final = ("nvidia-uvm-tools",)
_NAME: Final = r"lib(?:cuda|cudadebugger|nvidia-[a-z0-9-]+|nvcuvid|nvoptix)\.so\.[0-9][0-9.]*"
_LIBRARY: Final = re.compile(rf"\s*({_NAME}) \(.*\) => (/\S+)\Z")
_FILE: Final = re.compile(rf"{_NAME}\Z")
_MOUNTED: Final = ("/usr/local/nvidia/lib64", "/usr/local/nvidia/lib")
"""Where container runtimes mount a driver without telling the loader's cache of it (Kubernetes on GKE among them)."""

_OPENCL: Final = "libnvidia-opencl.so.1"
_CAPABILITY: Final = re.compile(r"DeviceFileMinor:\s*([0-9]+)")
_LDCONFIG: Final = "/sbin/ldconfig"


@dataclass(frozen=True, slots=True)
class Gpus:
    """What jobs could be given: the minors of usable GPUs in order, or `why_not` there is none."""

    minors: tuple[int, ...] = ()
    why_not: str = ""

    def lacks(self, count: int, nodes: int = 1) -> str:
        """What is missing for `nodes` with `count` GPUs each, to follow a family's name; empty where it is all here."""
        if count * nodes <= len(self.minors):
            return ""
        needs = "an NVIDIA GPU" if count == 1 else f"{count} NVIDIA GPUs"
        each = f" for each of {nodes} nodes" if nodes > 1 else ""
        none = "has none that a job can use" if self.why_not else "has none"
        return f"needs {needs}{each}, and this machine {f'has {len(self.minors)}' if self.minors else none}"


def find(root: Path = Path("/")) -> Gpus:
    """The GPUs below `root` that a job could use. Never raises: what is in the way is said in `why_not`."""
    minors = _minors(root)
    driver = (root / "proc/driver/nvidia/version").exists()
    if not minors:
        return Gpus((), "the NVIDIA driver is loaded, but /dev has no GPU of it" if driver else "")
    if not driver:
        # A device node alone proves nothing: it can be left in an image, or by a driver that was unloaded.
        return Gpus((), "/dev has nodes of NVIDIA GPUs, but their driver is not loaded (modprobe nvidia)")
    for name in _SHARED:
        if not (root / "dev" / name).exists():
            return Gpus((), f"/dev/{name} is missing (nvidia-modprobe -c 0 -u makes it)")
    for name in (*_SHARED, *(f"nvidia{minor}" for minor in minors)):
        if not _jobs_may_open(root / "dev" / name):
            return Gpus(
                (), f"jobs may not open /dev/{name}: its mode keeps other users out (NVreg_DeviceFileMode=0666)"
            )
    if not any(name == "libcuda.so.1" for name, _ in _libraries(root)):
        return Gpus(
            (),
            "the driver's libcuda.so.1 is not known to the dynamic loader (ldconfig -p), and is neither in "
            f"LD_LIBRARY_PATH nor in {_MOUNTED[0]}",
        )
    return Gpus(minors)


def nodes(minors: tuple[int, ...], root: Path = Path("/")) -> tuple[Path, ...]:
    """The device nodes, by their path on the host, that a job with these GPUs needs; none for none.

    Of a GPU that is partitioned (MIG), the capabilities of its own partitions go along; never those that configure or
    monitor all GPUs. Raises SandboxStartError where a GPU that was assigned is gone.
    """
    if not minors:
        return ()
    names = [f"nvidia{minor}" for minor in minors] + list(_SHARED)
    for name in names:
        if not (root / "dev" / name).exists():
            raise SandboxStartError(f"/dev/{name}, which it was given a GPU through, is gone")
    names += [name for name in _OPTIONAL if (root / "dev" / name).exists()]
    for minor in minors:
        for access in sorted((root / f"proc/driver/nvidia/capabilities/gpu{minor}").rglob("access")):
            found = _CAPABILITY.search(access.read_text(encoding="ascii", errors="replace"))
            if found and (root / f"dev/nvidia-caps/nvidia-cap{found[1]}").exists():
                names.append(f"nvidia-caps/nvidia-cap{found[1]}")
    return tuple(Path("/dev", name) for name in dict.fromkeys(names))


def library_mounts(root: Path = Path("/")) -> tuple[Mount, ...]:
    """The driver's libraries that a sandbox does not see anyway, each at its own path.

    Every sandbox sees /usr, but for /usr/local, and the dynamic loader's cache; a driver's installer may choose another
    directory.
    """
    hidden = {
        path: Mount(root / path.lstrip("/"), path)
        for _, path in _libraries(root)
        if path.startswith("/usr/local/") or not path.startswith(("/usr/", "/lib/", "/lib64/"))
    }
    return tuple(hidden.values())


def files(root: Path = Path("/")) -> dict[str, bytes]:
    """By which OpenCL finds the driver, as its installer leaves it: LightGBM computes on GPUs by OpenCL.

    Source: the OpenCL ICD loader's registry, /etc/OpenCL/vendors.
    """
    if not any(name == _OPENCL for name, _ in _libraries(root)):
        return {}
    return {"/etc/OpenCL/vendors/nvidia.icd": f"{_OPENCL}\n".encode("ascii")}


def environment(minors: tuple[int, ...], *, isolated: bool = True, root: Path = Path("/")) -> dict[str, str]:
    """What makes CUDA libraries see exactly these GPUs, and the loader find a driver that its cache does not know.

    CUDA counts the GPUs whose nodes it can open, from 0: in a sandbox those are the job's own. Without a sandbox it
    sees all of them, in order of their minors.
    """
    if not minors:
        return {}
    seen = range(len(minors)) if isolated else minors
    beside = dict.fromkeys(str(Path(path).parent) for _, path in _beside_the_cache(root))
    return {
        **({"LD_LIBRARY_PATH": ":".join(beside)} if beside else {}),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, seen)),
        "NVIDIA_VISIBLE_DEVICES": ",".join(map(str, minors)),
    }


def _minors(root: Path) -> tuple[int, ...]:
    found = (_NODE.match(path.name) for path in (root / "dev").glob("nvidia[0-9]*"))
    return tuple(sorted(int(match[1]) for match in found if match))


def _jobs_may_open(node: Path) -> bool:
    # As root we drop a job to a uid of its own, in no group; otherwise it has our own uid.
    if os.geteuid() == 0:
        return node.stat().st_mode & 0o006 == 0o006
    return os.access(node, os.R_OK | os.W_OK)


def _libraries(root: Path) -> list[tuple[str, str]]:
    """(soname, path) of the driver's libraries: as the dynamic loader's cache has them, or beside it."""
    return _cached(root) or _beside_the_cache(root)


def _cached(root: Path) -> list[tuple[str, str]]:
    """Nothing where libcuda itself is not among them: then what the cache has is of another driver."""
    cache = root / "etc/ld.so.cache"
    try:
        found = _read_cache(str(cache), cache.stat().st_mtime_ns)
    except FileNotFoundError:  # the cache, or ldconfig itself (not every C library has one)
        return []
    return found if any(name == "libcuda.so.1" for name, _ in found) else []


def _beside_the_cache(root: Path) -> list[tuple[str, str]]:
    """The same of a driver that the cache does not know: in LD_LIBRARY_PATH, or where container runtimes mount it."""
    if _cached(root):
        return []
    named = [place.rstrip("/") for place in os.environ.get("LD_LIBRARY_PATH", "").split(":") if place.startswith("/")]
    for place in dict.fromkeys([*named, *_MOUNTED]):
        directory = root / place.lstrip("/")
        names = sorted(path.name for path in directory.glob("lib*.so.*") if _FILE.match(path.name))
        if "libcuda.so.1" in names:
            return [(name, f"{place}/{name}") for name in names]
    return []


@lru_cache(maxsize=4)
def _read_cache(path: str, mtime_ns: int) -> list[tuple[str, str]]:
    displayed = subprocess.run(
        [_LDCONFIG, "-p", "-C", path], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    found = (_LIBRARY.match(line) for line in displayed.stdout.splitlines())
    return list(dict.fromkeys((match[1], match[2]) for match in found if match))
