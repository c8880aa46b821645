"""Where published scripts read the version of the runtime that they ran in: the tag of the job's image."""

from cleanroom_runtime.data.memory import job_file

__all__ = ["__version__"]

__version__: str = job_file().get("image", "")
