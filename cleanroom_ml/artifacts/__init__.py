"""Content manifests: walk, hash, compare, verify."""
