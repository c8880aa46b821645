"""PyTorchDistributor on the real engine: the published training function, stages, and a table larger than the job."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from guarantees_front import Front
from guarantees_world import ROOM, World

from cleanroom_ml.engine.jobs import pools as job_pools
from cleanroom_ml.engine.jobs.families import NodeLimits
from cleanroom_ml.services import jobs, offerings

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]

MIB = 1 << 20
LIMIT = 768 * MIB
FEATURES = [f"F{number}" for number in range(19)]
ROWS = 3 * LIMIT // (8 * (len(FEATURES) + 1))
WIDE = "shop.features_v1.rows"

_OFFER = f"""api_version: 2.0.0
spec_type: data_offering
name: features
version: v1
datasets:
  - alias: rows
    data_object_fqn: SHOP_DB.PUBLIC.FEATURES
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
{chr(10).join(f"      {name.lower()}: {{category: passthrough}}" for name in [*FEATURES, "Y"])}
"""

# The code of the documentation's page on distributed training, with our table and fewer epochs.
PUBLISHED = """
import os
from snowflake.snowpark.context import get_active_session
session = get_active_session()
from snowflake.ml.data.sharded_data_connector import ShardedDataConnector
example_snowpark_dataframe = session.table("TABLE").limit(20_000)
data_connector = ShardedDataConnector.from_dataframe(example_snowpark_dataframe)
input_cols, label_col = ["F0", "F1", "F2"], "Y"

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader

class SimpleNet(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(SimpleNet, self).__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(x)))

def train_func():
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel as DDP
    from snowflake.ml.modeling.distributors.pytorch import get_context

    context = get_context()
    rank = context.get_rank()
    dist.init_process_group(backend='gloo')
    device = torch.device(f"cuda:{context.get_local_rank()}"
                         if torch.cuda.is_available() else "cpu")
    model = SimpleNet(input_size=len(input_cols), hidden_size=32, output_size=1).to(device)
    model = DDP(model)
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=0.001)
    dataset_map = context.get_dataset_map()
    torch_dataset = dataset_map['train'].get_shard().to_torch_dataset(batch_size=1024)
    dataloader = DataLoader(torch_dataset)
    for epoch in range(2):
        for batch_dict in dataloader:
            features = torch.cat([batch_dict[col].T for col in input_cols], dim=1).float().to(device)
            labels = batch_dict[label_col].T.squeeze(0).float().to(device)
            output = model(features)
            loss = criterion(output, labels.unsqueeze(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f'Epoch [{epoch+1}/2], Loss: {loss.item():.4f}')
    if context.get_rank() == 0:
        torch.save(
            model.module.state_dict(), os.path.join(context.get_model_dir(), "model.pt")
        )

from snowflake.ml.modeling.distributors.pytorch import PyTorchDistributor, PyTorchScalingConfig, WorkerResourceConfig
pytorch_trainer = PyTorchDistributor(
    train_func=train_func,
    scaling_config=PyTorchScalingConfig(
        num_nodes=1,
        num_workers_per_node=2,
        resource_requirements_per_worker=WorkerResourceConfig(num_cpus=0),
    )
)
response = pytorch_trainer.run(dataset_map={'train': data_connector})
__return__ = sorted(torch.load(os.path.join(response.get_model_dir(), "model.pt")))
"""

# A shard streams by in batches; the script's own process never has a row.
STREAMED = """
import os
from snowflake.ml.data.sharded_data_connector import ShardedDataConnector
from snowflake.ml.modeling.distributors.pytorch import PyTorchDistributor
from snowflake.snowpark.context import get_active_session

connector = ShardedDataConnector.from_dataframe(get_active_session().table("TABLE"))
columns = [f"F{number}" for number in range(19)]

def train_func():
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel as DDP
    from torch.utils.data import DataLoader
    from snowflake.ml.modeling.distributors.pytorch import get_context

    context = get_context()
    torch.manual_seed(1)
    dist.init_process_group(backend=context.get_default_backend())
    model = DDP(torch.nn.Linear(len(columns), 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    shard = context.get_dataset_map()["train"].get_shard()
    rows = 0
    for batch in DataLoader(shard.to_torch_dataset(batch_size=20_000, drop_last_batch=False), batch_size=None):
        features = torch.stack([batch[name] for name in columns], dim=1).float()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(features)[:, 0], batch["Y"].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows += len(features)
    context.get_metrics_reporter().log_metrics({"rows": rows, "loss": loss.item()})
    if context.get_rank() == 0:
        torch.save(model.module.state_dict(), os.path.join(context.get_model_dir(), "model.pt"))

result = PyTorchDistributor(train_func).run(dataset_map={"train": connector})
__return__ = [result.get_metrics()["rows"], result.get_metrics()["loss"]]
"""

STAGED = """
import os
from snowflake.ml.modeling.distributors.pytorch import PyTorchDistributor
from snowflake.snowpark.context import get_active_session
session = get_active_session()

def train_func():
    import os
    from snowflake.ml.modeling.distributors.pytorch import get_context
    directory = get_context().get_model_dir()
    os.mkdir(os.path.join(directory, "parts"))
    for name in ("model.txt", "parts/head.txt"):
        with open(os.path.join(directory, name), "w") as file:
            file.write("weights of " + name)

trainer = PyTorchDistributor(train_func)
try:
    trainer.run(artifact_stage_location="SHOP_DB.PUBLIC.CODE")
except ValueError as error:
    refused = str(error)
session.sql("CREATE TEMPORARY STAGE MODELS").collect()
location = trainer.run(artifact_stage_location="@MODELS").get_model_dir()
__return__ = [refused, location, sorted(row["name"] for row in session.sql("LIST @MODELS").collect())]
"""


@pytest.fixture(scope="module")
def room(front: Front, world_here: World) -> World:
    """The collaboration with a table three times as large as the memory of its jobs. Its label is `F0 > 0.5`."""
    values = ", ".join(
        f"((SEQ8() * {2 * number + 7}) % 1000)::FLOAT / 1000 AS {name}" for number, name in enumerate(FEATURES)
    )
    label = "IFF((SEQ8() * 7) % 1000 > 500, 1, 0)::FLOAT AS Y"
    world_here.shop.execute(
        f"CREATE TABLE SHOP_DB.PUBLIC.FEATURES AS SELECT {values}, {label} FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"
    )
    path = world_here.directory / "features.yaml"
    path.write_text(_OFFER)
    offerings.register_offering(world_here.shop, path)
    offerings.link(world_here.shop, ROOM, "features_v1", ("brand",))
    return world_here


@pytest.fixture
def small(room: World) -> Iterator[World]:
    """Its jobs get LIMIT bytes of memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_pools, "limits", lambda *_, **__: NodeLimits(cpus=2, memory_bytes=LIMIT))
        yield room


def test_the_published_training_function_runs(room: World) -> None:
    source = PUBLISHED.replace("TABLE", WIDE)
    job_id = room.submit(source, tables=(WIDE,))
    assert room.end(job_id, seconds=400) == ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"]
    log = jobs.logs(room.brand, ROOM, job_id)
    assert "[worker 0] Epoch [2/2], Loss: " in log


def test_a_table_three_times_the_memory_trains(small: World) -> None:
    job_id = small.submit(STREAMED.replace("TABLE", WIDE), tables=(WIDE,))
    rows, loss = small.end(job_id, seconds=580)
    assert rows == ROWS
    assert loss < 0.45  # log(2) = 0.69 is what an untrained model has


def test_a_stage_of_its_own_gets_the_model_and_anothers_is_refused_before_training(room: World) -> None:
    refused, location, there = room.end(room.submit(STAGED), seconds=400)
    assert "this job cannot use the stage SHOP_DB.PUBLIC.CODE" in refused
    assert "does not exist or not authorized" in refused
    assert location.startswith("MODELS/model/")
    assert [name.lower() for name in there] == [
        f"{location}/{name}".lower() for name in ("model.txt", "parts/head.txt")
    ]
