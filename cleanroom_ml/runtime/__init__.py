"""What runs inside a job's sandbox, before and around the party's script.

The directory is bound into the sandbox as the package `cleanroom_runtime`: it imports nothing else of ours, and its
modules refer to each other relatively. It runs with the job's own rights, so nothing here is a control against the job.
"""
