"""A script finds what a container gives it: places to write, caches, who it is, and nothing of this machine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs import working_directory
from cleanroom_ml.engine.jobs.families import GIB, Machine

pytestmark = pytest.mark.sandbox

PLACES = """
import json, os, pathlib, stat, tempfile
here = os.path.dirname(os.path.abspath(__file__))
out = {}
for name, path in [("cwd", "model.pth"), ("beside", os.path.join(here, "output/model.pkl")),
                   ("package", os.path.join(here, "pkg/written.txt")), ("cache", os.path.expanduser("~/.cache/x/y")),
                   ("tmp", os.path.join(tempfile.gettempdir(), "a")), ("/tmp", "/tmp/b"), ("var tmp", "/var/tmp/c"),
                   ("config", os.path.expanduser("~/.config/matplotlib/m")), ("shm", "/dev/shm/d"),
                   *((name, os.path.join(os.environ[name], "left")) for name in os.environ
                     if name.startswith("XDG_") or name.endswith(("_HOME", "_CACHE_DIR")) or name == "MPLCONFIGDIR")]:
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        open(path, "w").write("x")
        out[name] = open(path).read()
    except OSError as error:
        out[name] = repr(error)
kept = []
for change in (lambda: open("train.py", "a"), lambda: os.unlink("train.py"), lambda: os.rename("train.py", "other.py"),
               lambda: os.replace("model.pth", "pkg/module.py"), lambda: os.unlink("/scratch/.job/train.py"),
               lambda: os.chmod("pkg/module.py", 0o777), lambda: open("/scratch/.job/pkg/module.py", "a")):
    try:
        change()
    except OSError:
        kept.append(True)
import pkg.module
__return__ = {"out": out, "kept": len(kept), "module": [pkg.module.VALUE, pkg.module.__file__], "file": __file__,
              "cwd": os.getcwd(), "listed": sorted(os.listdir("."))}
"""
WHO = """
import json, os, traceback
out = {name: os.environ.get(name) for name in
       ("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_DATABASE", "SNOWFLAKE_SCHEMA", "SNOWFLAKE_SERVICE_NAME", "SNOWFLAKE_HOST")}
# As the documentation of container jobs has it, port and protocol of the internet included.
from snowflake.connector import connect
options = dict(host=os.environ["SNOWFLAKE_HOST"], account=os.environ["SNOWFLAKE_ACCOUNT"], authenticator="oauth",
               token=open("/snowflake/session/token").read(), protocol="https", port=443)
def ask(): return connect(**options).cursor().execute("SELECT 'live'").fetchone()[0]
out["asked"] = ask()
print(out)
open("result.json", "w").write(json.dumps(out))
def fails():
    import numpy
    numpy.linalg.inv(numpy.zeros((2, 2)))
try:
    fails()
except Exception:
    traceback.print_exc()
json.loads("{")
"""


def test_places_to_write_beside_code_that_stays_what_it_is(pools):
    job_id = pools.submit(PLACES, more={"pkg/module.py": "VALUE = 'pinned'", "pkg/__init__.py": ""})
    status = pools.wait(job_id)
    assert status.status is JobState.DONE, pools.service.logs(job_id)
    got = json.loads(pools.service.result(job_id))
    assert {name: value for name, value in got["out"].items() if value != "x"} == {}
    assert len(got["out"]) >= 15
    assert got["kept"] == 7
    assert got["module"] == ["pinned", "/job/pkg/module.py"]
    assert (got["file"], got["cwd"]) == ("/job/train.py", "/job")
    assert got["listed"] == ["model.pth", "output", "pkg", "train.py"]


SWAPPED = """
import os, subprocess, sys
kept = []
for old in ("pkg/deep", "/scratch/.job/pkg/deep", "pkg", "/scratch/.job/pkg"):
    try:
        os.rename(old, "/scratch/aside")
    except OSError:
        kept.append(old)
    else:
        os.makedirs(old + "/deep", exist_ok=True)
        open(old + "/deep/module.py", "w").write("VALUE = 'another'")
asking = [sys.executable, "-c", "import pkg.deep.module as m; print(m.VALUE)"]
seen = subprocess.run(asking, capture_output=True, text=True)
__return__ = [len(kept), seen.stdout.strip()]
"""


@pytest.mark.attack
def test_a_directory_of_the_code_is_not_moved_away_with_what_is_pinned_in_it(pools):
    job_id = pools.submit(SWAPPED, more={"pkg/deep/module.py": "VALUE = 'pinned'"})
    assert pools.wait(job_id).status is JobState.DONE, pools.service.logs(job_id)
    assert json.loads(pools.service.result(job_id)) == [4, "pinned"]


def test_who_it_is_and_a_traceback_without_a_path_of_this_machine(pools):
    job_id = pools.submit(WHO)
    status = pools.wait(job_id)
    log = pools.service.logs(job_id)
    assert status.reason == "script_failed", log
    assert f"'SNOWFLAKE_SERVICE_NAME': '{job_id}'" in log
    for name, value in (("ACCOUNT", "ACME"), ("DATABASE", "SFDCR_COLLAB"), ("SCHEMA", "CLEANROOM")):
        assert f"'SNOWFLAKE_{name}': '{value}'" in log
    assert "\"SELECT 'live'\"" in log
    assert "LinAlgError" in log
    assert "JSONDecodeError" in log
    assert 'File "/job/train.py"' in log
    for path in {sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1]), str(Path.cwd())}:
        assert path in ("/", "/usr", "/usr/local") or f"{path}/" not in log


@pytest.mark.slow
def test_a_process_that_it_starts_connects_in_the_same_way(pools):
    job_id = pools.submit("""
import os, subprocess, sys
child = "import os; from snowflake.connector import connect\\n" \\
        "print(connect(host=os.environ['SNOWFLAKE_HOST'], account='A', authenticator='oauth', login_timeout=10," \\
        "token=open('/snowflake/session/token').read()).cursor().execute(\\"SELECT 'child'\\").fetchone()[0])"
__return__ = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout.strip()
""")
    assert pools.wait(job_id).status is JobState.DONE, pools.service.logs(job_id)
    assert json.loads(pools.service.result(job_id)) == "SELECT 'child'"


def test_very_many_files_are_mounted_by_directories(tmp_path):
    few = [f"a/b{number}.py" for number in range(10)]
    assert working_directory.places(few) == tuple(few)
    many = ["train.py", *(f"pkg/sub{number % 7}/m{number}.py" for number in range(working_directory.MOST_MOUNTS))]
    assert working_directory.places(many) == ("train.py", "pkg")
    (tmp_path / "scratch").mkdir()
    for _ in range(2):
        working_directory.make(tmp_path / "scratch", many)
    assert sorted(os.listdir(tmp_path / "scratch" / ".job")) == ["pkg", "train.py"]


@pytest.mark.slow
def test_a_job_of_very_many_files_runs(pools):
    more = {f"pkg/m{number}.py": f"X = {number}" for number in range(working_directory.MOST_MOUNTS)}
    job_id = pools.submit("import pkg.m7; open('x', 'w'); __return__ = pkg.m7.X", more={**more, "pkg/__init__.py": ""})
    assert pools.wait(job_id).status is JobState.DONE, pools.service.logs(job_id)
    assert json.loads(pools.service.result(job_id)) == 7


class TestDataLoader:
    @pytest.fixture
    def machine(self):
        return Machine(cpus=2, memory_bytes=8 * GIB)

    @pytest.mark.slow
    @pytest.mark.runtime
    def test_batches_pass_between_processes(self, pools):
        script = """
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset
class Big(Dataset):
    def __len__(self): return 8
    def __getitem__(self, i): return torch.full((16, 1024, 1024), float(i))
if __name__ == "__main__":
    out = {}
    for how in ("file_descriptor", "file_system"):
        torch.multiprocessing.set_sharing_strategy(how)
        out[how] = sum(float(b.flatten()[0]) for b in DataLoader(Big(), batch_size=1, num_workers=2))
    loader = DataLoader(TensorDataset(torch.arange(100.)), 10, num_workers=2, multiprocessing_context="spawn")
    out["spawn"] = len(list(loader))
    __return__ = out
"""
        status = pools.wait(pools.submit(script), seconds=120)
        assert status.status is JobState.DONE, pools.service.logs(status.job_id)
        got = json.loads(pools.service.result(status.job_id))
        assert got == {"file_descriptor": 28.0, "file_system": 28.0, "spawn": 10}
