"""Ray in a job: the cluster of a job with several nodes, formed before the script starts (`forming`), what `ray.init`
does in a job (`attaching`), and how a job that used Ray ends (`ending`).

All nodes of a job lie in one sandbox, on loopback: N raylets with processors, object store and sockets of their own,
one GCS. A process of ours, the keeper, has started them and watches them. Nothing here imports Ray before it is needed.
"""
