"""The container runtime's distributed trainers: `snowflake.ml.modeling.distributors` re-exports from here.

One node and one worker is one training in the script's own process, with all threads of the job, and gives the very
model that the bare library gives. Several workers are a process group of the library's own (`..workers.run_workers`).
Nothing heavy is imported before a training starts.
"""
