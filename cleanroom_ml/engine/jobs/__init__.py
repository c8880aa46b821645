"""Job pools: compute pools, the queue, one detached supervisor a job, and what a job leaves behind.

`service.JobService` is the facade that the engine wires. A job's code is a party's code: it runs in a sandbox or not at
all, and everything that comes back from it (log, result, exit status) is hostile input.
"""
