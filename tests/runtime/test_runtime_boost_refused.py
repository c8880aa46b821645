"""Many-model training and partition functions: there to be imported, and refused as in a clean room."""

from __future__ import annotations

import pytest

from cleanroom_ml.runtime.distributors.many_model import (
    ManyModelInference,
    ManyModelRun,
    ManyModelTraining,
    ModelSerde,
    PickleSerde,
    TorchSerde,
)
from cleanroom_ml.runtime.distributors.partition_function import (
    DPF,
    DPFRun,
    ExecutionOptions,
    PartitionContext,
    PartitionStatus,
    RunStatus,
)

RUN = {"partition_by": "REGION", "snowpark_dataframe": None, "run_id": "one"}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ManyModelTraining(print, "s").run(**RUN, on_existing_artifacts="overwrite"), "ManyModelTraining.run"),
        (lambda: ManyModelTraining(print, "s", serde=TorchSerde()).run("P", None, "one"), "ManyModelTraining.run"),
        (lambda: ManyModelTraining.restore_from("one", "stage"), "ManyModelTraining.restore_from"),
        (lambda: ManyModelInference(print, "stage", training_run_id="one").run(**RUN), "ManyModelInference.run"),
        (lambda: ManyModelRun.restore_from("one", "stage"), "ManyModelRun.restore_from"),
        (lambda: DPF(print, "stage").run(**RUN, execution_options=ExecutionOptions(use_head_node=True)), "DPF.run"),
        (lambda: DPF(func=print, stage_name="s").run_from_stage("@s", "one", file_pattern="*"), "DPF.run_from_stage"),
        (lambda: DPFRun.restore_from(run_id="one", stage_name="stage"), "DPFRun.restore_from"),
        (PartitionContext, "PartitionContext"),
    ],
)
def test_a_run_is_refused(call, name):
    with pytest.raises(RuntimeError, match=rf"^API call outside of DCR: {name}.* is not available in a clean room"):
        call()


def test_what_a_script_compares_with_is_there():
    assert RunStatus.SUCCESS == "SUCCESS"
    assert PartitionStatus.DONE == "DONE"
    options = ExecutionOptions(num_cpus_per_worker=4, num_gpus_per_worker=1, fail_fast=True)
    assert (options.use_head_node, options.fail_fast) == (True, True)


def test_a_serde_of_ones_own(tmp_path):
    class Text(ModelSerde):
        @property
        def filename(self):
            return "model.txt"

        def write(self, model, file_path):
            (tmp_path / file_path).write_text(model)

        def read(self, file_path):
            return (tmp_path / file_path).read_text()

    for serde in (Text(), PickleSerde()):
        path = str(tmp_path / serde.filename)
        serde.write("weights", path)
        assert serde.read(path) == "weights"
