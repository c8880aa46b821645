"""What a script written for the container runtime relies on (docs/api-digest.md §6 and §8)."""

from __future__ import annotations

import json

import pytest

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.families import Machine

pytestmark = pytest.mark.sandbox


@pytest.fixture
def machine():
    return Machine(cpus=2, memory_bytes=2 << 30)


@pytest.fixture
def returned(pools):
    def returned(script, **changes):
        status = pools.run(script, **changes)
        assert status.status is JobState.DONE, (status, pools.service.logs(status.job_id))
        return json.loads(pools.service.result(status.job_id))

    return returned


def test_it_runs_as_a_script_with_its_directory_and_arguments(returned):
    script = """
import argparse, json, os, sys
import helper, lib.deeper
parser = argparse.ArgumentParser()
parser.add_argument("--args")
__return__ = {
    "name": __name__, "file": __file__, "argv0": sys.argv[0], "cwd": os.getcwd(),
    "args": json.loads(parser.parse_args().args), "helper": helper.x, "deeper": lib.deeper.y, "path": sys.path[:2],
    "tmp": os.environ["TMPDIR"], "home": os.path.expanduser("~"), "threads": os.environ["OMP_NUM_THREADS"],
    "instances": [os.environ["SNOWFLAKE_JOB_INDEX"], os.environ["SNOWFLAKE_JOBS_COUNT"]],
}
"""
    got = returned(
        script, entrypoint="sub/train.py", more={"sub/train.py": script, "helper.py": "x = 1", "lib/deeper.py": "y = 2"}
    )
    assert got == {
        "name": "__main__",
        "file": "/job/sub/train.py",
        "argv0": "sub/train.py",
        "cwd": "/job",
        "args": {"source_table": ["A.B.C"]},
        "helper": 1,
        "deeper": 2,
        "path": ["/job/sub", "/job"],
        "tmp": "/scratch/tmp",
        "home": "/scratch/home",
        "threads": "2",
        "instances": ["0", "1"],
    }


def test_both_ways_to_the_session_give_the_live_one(returned):
    got = returned("""
from snowflake.snowpark import Session
from snowflake.snowpark.context import get_active_session
session = get_active_session()
assert Session.builder.getOrCreate() is session
__return__ = [session.sql("SELECT 'live'").collect()[0][0], session.get_current_schema()]
""")
    assert got == ["SELECT 'live'", '"CLEANROOM"']


def test_a_script_without_a_session_does_not_wait_for_one(returned):
    """And is not kept from one: neither by having asked whether Snowpark is there, nor by a fork."""
    got = returned("""
import importlib.util, os, sys
loaded = [name for name in ("snowflake.connector", "pandas", "pyarrow") if name in sys.modules]
there = importlib.util.find_spec("snowflake.snowpark") is not None
reading, writing = os.pipe()
if os.fork() == 0:
    from snowflake.snowpark import context
    try:
        context.get_active_session()
        answer = b"a session"
    except Exception as error:
        answer = str(error).encode()
    os.write(writing, answer)
    os._exit(0)
os.wait()
child = os.read(reading, 1000).decode()
import snowflake.snowpark
hidden = "botocore" in sys.modules
import boto3
loader = type(snowflake.snowpark.__loader__).__name__
session = snowflake.snowpark.context.get_active_session()
__return__ = [loaded, there, child, hidden, loader, session.sql("SELECT 'live'").collect()[0][0]]
""")
    loaded, there, child, hidden, loader, answer = got
    assert (loaded, there, hidden) == ([], True, False)
    assert "No default Session is found" in child
    assert (loader, answer) == ("SourceFileLoader", "SELECT 'live'")


def test_threads_that_import_snowpark_at_once_have_one_session(returned):
    got = returned("""
import threading
found = []
def ask():
    from snowflake.snowpark.context import get_active_session
    found.append(id(get_active_session()))
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
__return__ = [len(found), len(set(found))]
""")
    assert got == [4, 1]


def test_opening_the_session_waits_for_nothing(returned):
    """No cloud's metadata, no certificate list, no telemetry: without a network, asking for any would only time out."""
    script = """
import subprocess, sys, time
now = time.clock_gettime(time.CLOCK_BOOTTIME)
ticks = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
before_the_script = now - ticks / 100
began = time.monotonic()
subprocess.run([sys.executable, "-c", "import snowflake.connector, snowflake.snowpark"], check=True)
__return__ = before_the_script - (time.monotonic() - began)
"""
    assert returned(script) < 2


@pytest.mark.slow
def test_child_processes_of_each_kind_work_and_have_no_session(returned):
    got = returned(
        """
import multiprocessing, os
def work(x):
    from snowflake.snowpark.context import get_active_session
    try:
        get_active_session()
    except Exception as error:
        return [x * x, type(error).__name__]
    return [x * x, "a session"]
if __name__ == "__main__":
    __return__ = {}
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            __return__[method] = pool.map(work, [2, 3])
    from snowflake.snowpark.context import get_active_session
    __return__["after"] = get_active_session().sql("SELECT 1").collect()[0][0]
"""
    )
    expected = [[4, "SnowparkSessionException"], [9, "SnowparkSessionException"]]
    assert got == {"fork": expected, "spawn": expected, "forkserver": expected, "after": "SELECT 1"}


@pytest.mark.slow
def test_joblib_and_the_libraries(returned):
    got = returned(
        """
import joblib, numpy as np, pandas as pd, sklearn, xgboost
from sklearn.ensemble import RandomForestClassifier
x = np.random.default_rng(0).normal(size=(200, 4)); y = (x[:, 0] > 0).astype(int)
def square(n): return n * n
squares = joblib.Parallel(n_jobs=2)(joblib.delayed(square)(n) for n in range(4))
forest = RandomForestClassifier(n_estimators=10, n_jobs=2, random_state=0).fit(x, y)
booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(x, y), num_boost_round=3)
__return__ = {
    "squares": squares, "score": forest.score(x, y) > 0.9, "rounds": booster.num_boosted_rounds(), "cpus":
    joblib.cpu_count(), "mean": np.float32(0.5), "n": np.int64(3), "frame": pd.DataFrame({"a": [1, 2]}), "nan":
    float("nan"), }
"""
    )
    assert got == {
        "squares": [0, 1, 4, 9],
        "score": True,
        "rounds": 3,
        "cpus": 2,
        "mean": 0.5,
        "n": 3,
        "frame": [{"a": 1}, {"a": 2}],
        "nan": None,
    }


def test_a_process_forked_by_hand_that_reaches_the_end_leaves_no_result(returned):
    assert returned(
        "import os\npid = os.fork()\n__return__ = 'child' if pid == 0 else 'parent'\nif pid: os.waitpid(pid, 0)"
    ) == ("parent")


def test_a_return_value_that_is_no_json_names_its_type(pools):
    status = pools.run("class Model: pass\n__return__ = {'model': Model()}")
    assert status.reason == "script_failed"
    assert "__return__['model'] is a __main__.Model, which cannot be written as JSON" in pools.service.logs(
        status.job_id
    )


def test_output_is_unbuffered_and_can_be_followed(pools):
    job_id = pools.submit("import sys, time\nprint('café')\nprint('err', file=sys.stderr)\ntime.sleep(60)")
    pools.wait_log(job_id, "err\n")
    assert pools.service.logs(job_id) == "café\nerr\n"
    assert pools.service.logs(job_id, 5) == "err\n"
    assert pools.service.logs(job_id, 100) == ""


def test_tracebacks_show_the_script_only(pools):
    status = pools.run(
        "def f():\n    1 / 0\ntry:\n    f()\nexcept Exception as e:\n    raise RuntimeError('later') from e\n"
    )
    log = pools.service.logs(status.job_id)
    assert log.startswith('Traceback (most recent call last):\n  File "/job/train.py", line 4, in <module>\n    f()\n')
    assert "RuntimeError: later" in log
    assert "cleanroom_runtime" not in log
    status = pools.run("def broken(:\n")
    assert pools.service.logs(status.job_id).startswith('  File "/job/train.py", line 1')


def test_a_module_of_the_job_may_have_any_name(returned):
    assert returned("import json\n__return__ = json.dumps([1])", more={"token.py": "1/0", "http.py": "1/0"}) == "[1]"
