"""Where published scripts read the version of the runtime that they ran in: the tag of the job's image."""

from cleanroom_runtime.job_file import this_job

__all__ = ["__version__"]

_job = this_job()
__version__: str = _job.image if _job else ""
