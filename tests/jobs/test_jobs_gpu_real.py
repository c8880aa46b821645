"""Jobs on real GPUs: CUDA through the sandbox, XGBoost, and DDP over NCCL. `make test-gpu` runs these.

They need an NVIDIA GPU, and CUDA builds of torch and xgboost in the environment. None is skipped: who asks for them
without a GPU is told what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jobs_harness import Pools

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs import gpu
from cleanroom_ml.engine.jobs.families import GIB, Machine
from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.engine.jobs.service import Settings

pytestmark = [pytest.mark.gpu, pytest.mark.sandbox, pytest.mark.runtime]

COUNT = """
import ctypes
opened, count = -1, ctypes.c_int(0)
try:
    cuda = ctypes.CDLL("libcuda.so.1")
    opened = cuda.cuInit(0)
    cuda.cuDeviceGetCount(ctypes.byref(count))
except OSError as error:
    print(error)
__return__ = [opened, count.value]
"""
TORCH = """
import torch
assert torch.cuda.is_available()
left = torch.rand(512, 512, device="cuda:0")
__return__ = [torch.cuda.device_count(), bool(torch.isfinite(left @ left).all().item())]
"""
XGBOOST = """
import numpy, xgboost
assert xgboost.build_info()["USE_CUDA"], "built without CUDA: pip install xgboost in place of xgboost-cpu"
random = numpy.random.default_rng(0)
features = random.normal(size=(20_000, 10))
data = xgboost.DMatrix(features, label=features[:, 0] > 0)
booster = xgboost.train({"device": "cuda", "objective": "binary:logistic", "eval_metric": "auc"}, data, 20)
__return__ = [float(booster.eval(data).rsplit(":", 1)[1]), booster.save_config().count('"device":"cuda')]
"""
ESTIMATOR = """
import numpy, pandas
from sklearn.metrics import roc_auc_score
from snowflake.ml.modeling.distributors.xgboost import XGBEstimator, XGBScalingConfig
values = numpy.random.default_rng(0).normal(size=(20_000, 10))
frame = pandas.DataFrame(values, columns=[f"F{number}" for number in range(10)])
frame["LABEL"] = (values[:, 0] + values[:, 1] > 0).astype(int)
estimator = XGBEstimator(20, "binary:logistic", scaling_config=XGBScalingConfig(num_workers=1, use_gpu=True))
booster = estimator.fit(frame, label_col="LABEL")
__return__ = [roc_auc_score(frame["LABEL"], estimator.predict(frame)), booster.save_config().count('"device":"cuda')]
"""
LIGHTGBM = """
import ctypes, numpy, lightgbm
try:
    ctypes.CDLL("libOpenCL.so.1")
except OSError as error:
    __return__ = f"no loader of OpenCL: {error}"
else:
    values = numpy.random.default_rng(0).normal(size=(20_000, 10))
    data = lightgbm.Dataset(values, label=(values[:, 0] > 0).astype(int))
    booster = lightgbm.train({"objective": "binary", "device_type": "gpu", "verbose": 1}, data, 10)
    __return__ = float(((booster.predict(values) > 0.5) == (values[:, 0] > 0)).mean())
"""
AROUND = """
import os
found = [os.path.join(place, name) for place, _, names in os.walk("/usr/local") for name in names]
__return__ = [found, open("/proc/self/maps").read().count("libcuda"), os.environ.get("LD_LIBRARY_PATH")]
"""
DDP = """
import os
from snowflake.ml.modeling.distributors.pytorch import PyTorchDistributor

def train_func():
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from snowflake.ml.modeling.distributors.pytorch import get_context

    context = get_context()
    dist.init_process_group(backend=context.get_default_backend())
    device = torch.device(f"cuda:{context.get_local_rank()}")
    model = DistributedDataParallel(torch.nn.Linear(4, 1).to(device), device_ids=[device.index])
    total = torch.ones(1, device=device)
    dist.all_reduce(total)
    model(torch.ones(8, 4, device=device)).sum().backward()
    context.get_metrics_reporter().log_metrics({"total": total.item(), "backend": dist.get_backend()})
    if context.get_rank() == 0:
        torch.save(model.module.state_dict(), os.path.join(context.get_model_dir(), "model.pt"))

result = PyTorchDistributor(train_func).run()
__return__ = [result.get_metrics(), os.listdir(result.get_model_dir())]
"""


@pytest.fixture
def there() -> gpu.Gpus:
    found = gpu.find()
    assert found.minors, f"this machine has no GPU that a job could use: {found.why_not or 'no NVIDIA GPU'}"
    return found


@pytest.fixture
def pools(home: Path, settings: Settings, there: gpu.Gpus) -> Iterator[Pools]:
    roomy = replace(settings, wall_seconds=300, processes=2048, scratch_bytes=4 * GIB)
    pools = Pools(home, roomy, Machine(cpus=4, memory_bytes=16 * GIB))
    options = {"MIN_NODES": 1, "MAX_NODES": len(there.minors), "INSTANCE_FAMILY": "GPU_NV_S"}
    pools.service.pools.create("ACME", "GPU", options)
    pools.service.recover()
    yield pools
    pools.close()


def returned(pools: Pools, script: str, **asked: Any) -> Any:
    status = pools.wait(pools.submit(script, **asked), seconds=300)
    assert status.status is JobState.DONE, pools.service.logs(status.job_id)
    return json.loads(pools.service.result(status.job_id))


def test_cuda_sees_the_jobs_own_gpu_and_no_other(pools: Pools) -> None:
    assert returned(pools, COUNT, pool="GPU") == [0, 1]


@pytest.mark.attack
def test_a_job_of_a_cpu_pool_cannot_open_the_driver(pools: Pools) -> None:
    opened, count = returned(pools, COUNT)
    assert opened != 0
    assert count == 0


def test_torch_computes(pools: Pools) -> None:
    assert returned(pools, TORCH, pool="GPU") == [1, True]


def test_xgboost_trains_with_device_cuda(pools: Pools) -> None:
    area, on_cuda = returned(pools, XGBOOST, pool="GPU")
    assert area > 0.95
    assert on_cuda > 0


def test_the_estimator_trains_on_the_values(pools: Pools) -> None:
    area, on_cuda = returned(pools, ESTIMATOR, pool="GPU")
    assert area > 0.95
    assert on_cuda > 0


def test_lightgbm_computes_by_opencl(pools: Pools) -> None:
    got = returned(pools, LIGHTGBM, pool="GPU")
    assert isinstance(got, float), f"{got} (apt-get install -y ocl-icd-libopencl1, and a LightGBM built with OpenCL)"
    assert got > 0.95


def test_of_usr_local_a_job_sees_the_driver_and_nothing_else(pools: Pools, tmp_path: Path) -> None:
    seen, _, path = returned(pools, AROUND, pool="GPU")
    driver = {mount.target for mount in gpu.library_mounts() if mount.target.startswith("/usr/local/")}
    image = Images(tmp_path / "images").resolve("local")
    python = [mount.target for mount in image.mounts()]  # whose own prefix may be /usr/local
    others = [path for path in seen if not any(Path(path).is_relative_to(prefix) for prefix in python)]
    assert set(others) == driver
    assert path is None or path.startswith("/")


def test_ddp_over_nccl_uses_every_gpu_of_the_job(pools: Pools, there: gpu.Gpus) -> None:
    metrics, left = returned(pools, DDP, pool="GPU", nodes=len(there.minors))
    assert metrics == {"total": float(len(there.minors)), "backend": "nccl"}
    assert left == ["model.pt"]
