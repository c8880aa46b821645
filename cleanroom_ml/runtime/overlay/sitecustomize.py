"""Imported by every interpreter of a job, before its program (site.py): the script's and those that it starts."""

import os

if "CLEANROOM_ML_JOB_FILE" in os.environ:
    from cleanroom_runtime import connecting

    connecting.install()
