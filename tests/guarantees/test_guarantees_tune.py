"""A search as the published examples write one, on the real engine: digits through Snowpark, two nodes, all algorithms.

The script makes the same calls as `container_runtime_hpo` of Snowflake-Labs/sf-samples, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import guarantees_world
import pytest

from cleanroom_ml.engine.home.paths import Home

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]

SCRIPT = """
import xgboost as xgb
from sklearn import datasets
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from snowflake.ml.data.data_connector import DataConnector
from snowflake.ml.modeling import tune
from snowflake.ml.modeling.tune import get_tuner_context
from snowflake.ml.modeling.tune.search import BayesOpt, GridSearch, RandomSearch
from snowflake.snowpark.context import get_active_session

session = get_active_session()
digits, labels = datasets.load_digits(n_class=4, return_X_y=True, as_frame=True)
parts = train_test_split(digits.assign(target=labels), test_size=0.3, random_state=1)
train, test = (part.reset_index(drop=True) for part in parts)
data = {
    "train": DataConnector.from_dataframe(session.create_dataframe(train)),
    "test": DataConnector.from_dataframe(session.create_dataframe(test)),
}


def train_func():
    context = get_tuner_context()
    given = context.get_hyper_params()
    frames = {name: each.to_pandas() for name, each in context.get_dataset_map().items()}
    labels = {name: frame['"target"'] for name, frame in frames.items()}
    features = {name: frame.drop(columns=['"target"']) for name, frame in frames.items()}
    params = {name: value if name == "learning_rate" else int(value) for name, value in given.items()}
    model = xgb.XGBClassifier(**params, random_state=42)
    model.fit(features["train"], labels["train"])
    right = accuracy_score(labels["test"], model.predict(features["test"]))
    context.report(metrics={"accuracy": right}, model=model)


from snowflake.ml.runtime_cluster import get_nodes, scale_cluster

scale_cluster(2)
continuous = {
    "n_estimators": tune.uniform(5, 20),
    "max_depth": tune.uniform(2, 5),
    "learning_rate": tune.uniform(0.01, 0.3),
}
listed = {"n_estimators": [5, 6], "max_depth": [2, 3], "learning_rate": [0.01, 0.3]}


def search(search_alg, search_space=continuous, **config):
    made = tune.TunerConfig(metric="accuracy", mode="max", search_alg=search_alg, **config)
    tuner = tune.Tuner(train_func=train_func, search_space=search_space, tuner_config=made)
    return tuner.run(dataset_map=data)


bayes = search(BayesOpt(), num_trials=3)
again = search(BayesOpt(), num_trials=3)
random = search(RandomSearch(3), num_trials=3)
grid = search(GridSearch(), listed, max_concurrent_trials=2, resource_per_trial={"CPU": 1})
columns = [name for name in grid.results.columns if name.startswith("config/")]
__return__ = {
    "nodes": len(get_nodes()),
    "accuracy": bayes.best_result["accuracy"][0],
    "same": bayes.results["config/max_depth"].equals(again.results["config/max_depth"]),
    "rows": [len(each.results) for each in (bayes, random, grid)],
    "combinations": grid.results[columns].drop_duplicates().shape[0],
    "columns": columns,
    "failures": int(grid.results["failure"].notna().sum()),
    "model": type(grid.best_model).__name__,
    "model_accuracy": accuracy_score(
        test["target"], grid.best_model.predict(test.drop(columns="target").rename(columns='"{}"'.format))
    ),
    "grid_accuracy": grid.best_result["accuracy"].iloc[0],
}
"""


@pytest.fixture
def world_of_two_nodes(fresh_home: Home, tmp_path: Path) -> Iterator[guarantees_world.World]:
    """The collaboration, whose job runs on two nodes."""
    with pytest.MonkeyPatch.context() as patch:
        template = guarantees_world._PROBE.replace("{{ compute_pool }}, 1,", "{{ compute_pool }}, 2,")
        assert template != guarantees_world._PROBE
        patch.setattr(guarantees_world, "_PROBE", template)
        world = guarantees_world.build(fresh_home, tmp_path / "project")
    yield world
    world.close()


def test_the_published_search_runs_on_two_nodes(world_of_two_nodes: guarantees_world.World) -> None:
    result: dict[str, Any] = world_of_two_nodes.end(world_of_two_nodes.submit(SCRIPT), seconds=400)
    assert result["nodes"] == 2
    assert result["accuracy"] > 0.9
    assert result["same"] is True
    assert result["rows"] == [3, 3, 8]
    assert result["combinations"] == 8
    assert result["columns"] == ["config/n_estimators", "config/max_depth", "config/learning_rate"]
    assert result["failures"] == 0
    assert result["model"] == "XGBClassifier"
    assert result["model_accuracy"] == pytest.approx(result["grid_accuracy"])
