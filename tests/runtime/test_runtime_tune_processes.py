"""The processes of a search: they live on across trials, and none is left of it."""

from __future__ import annotations

import os
import signal
import time

import pytest
from runtime_tune_searches import grid, search

from cleanroom_ml.runtime import tune
from cleanroom_ml.runtime.tune import get_tuner_context

pytestmark = pytest.mark.usefixtures("scratch")


def test_a_process_lives_on_across_trials_until_it_dies():
    def train():
        k = get_tuner_context().get_hyper_params()["k"]
        if k == 2:
            os._exit(1)
        get_tuner_context().report({"score": k, "pid": os.getpid()})

    pids = grid(train, range(5)).results["pid"]
    assert pids[0] == pids[1] != pids[3] == pids[4]


def test_nothing_is_left_of_a_search(capfd):
    def train():
        import subprocess

        get_tuner_context().report({"score": 1, "pid": os.getpid()})
        print("said by a trial")
        subprocess.Popen(["sleep", "0.01"])

    pid = int(grid(train, [1]).results["pid"][0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert "said by a trial" in capfd.readouterr().out


def test_a_fork_that_returns_from_the_function_is_not_a_second_outcome():
    def train():
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        get_tuner_context().report({"score": 1, "pid": os.getpid()})

    pids = grid(train, [1, 2, 3]).results["pid"]
    assert pids.nunique() == 1


def test_an_interrupted_search_ends_its_processes(scratch):
    def train():
        time.sleep(60)

    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    signal.alarm(2)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        grid(train, [1])
    assert time.monotonic() - began < 10
    assert not list(scratch.iterdir())


def test_trials_run_at_the_same_time():
    def train():
        k = get_tuner_context().get_hyper_params()["k"]
        began = time.time()
        time.sleep(0.5)
        get_tuner_context().report({"score": k, "began": began, "ended": time.time(), "pid": os.getpid()})

    trials = grid(train, range(4), max_concurrent_trials=2).results
    assert trials["pid"].nunique() == 2
    assert trials["began"][1] < trials["ended"][0]
    at_once = [((trials["began"] <= moment) & (trials["ended"] > moment)).sum() for moment in trials["began"]]
    assert max(at_once) == 2


@pytest.mark.runtime
@pytest.mark.parametrize("concurrent", [1, 3])
def test_a_bayesian_search_is_the_same_whatever_the_timing(concurrent):
    def train():
        import random
        import time

        x = get_tuner_context().get_hyper_params()["x"]
        time.sleep(random.random() * 0.05)
        get_tuner_context().report({"score": -((x - 0.3) ** 2)})

    def run():
        config = {"search_alg": tune.BayesOpt(), "num_trials": 9, "max_concurrent_trials": concurrent}
        return search(train, {"x": tune.uniform(0, 1)}, **config).results["config/x"].tolist()

    assert run() == run()


def test_a_trial_has_as_many_threads_as_cpus():
    def train():
        get_tuner_context().report({"score": 1, "threads": os.environ["OMP_NUM_THREADS"]})

    found = grid(train, [1, 2], resource_per_trial={"CPU": 1}, max_concurrent_trials=1)
    assert found.results["threads"].tolist() == ["1", "1"]


def test_a_function_that_cannot_be_loaded_ends_the_search(tmp_path, monkeypatch):
    (tmp_path / "fleeting.py").write_text("def train():\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import fleeting

    (tmp_path / "fleeting.py").write_text("raise OSError('the licence server is away')\n")
    with pytest.raises(tune.TunerError, match=r"cannot be loaded in another process:[\s\S]*licence server is away"):
        grid(fleeting.train, [1, 2])


def test_a_process_that_dies_before_its_first_trial_ends_the_search(tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text("def train():\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import deadly

    # Of another length: byte code is told to be of before by the second and the length of its source.
    (tmp_path / "deadly.py").write_text("import os\n\nos._exit(3)\n")
    with pytest.raises(tune.TunerError, match="could not be started: its process ended with exit code 3"):
        grid(deadly.train, [1, 2])
