"""What `snowflake.ml.ray` offers in the container runtime: stage files as Ray Datasets, Ray Datasets as tables.

Ray's workers have no session (it is the main process's alone), and need none: `files` lists a stage where the session
is, with one address a file that any process of the job can fetch (`download`), as chunks of tables are fetched
(data/fetch.py). What workers write goes to files that all nodes of a job share, and is loaded where the session is,
once (`sink`).

Source: Snowflake's documentation, developer-guide/snowflake-ml/load-data and the API reference's page "Data Ingestion
API" of the container runtime.
"""
