"""Stage files as Ray Datasets and Ray Datasets as tables; see cleanroom_runtime.raydata. (Ray itself is `ray`.)"""
