"""Dependency layers: what a job asks for beyond its image, locked by hash at registration and mounted read-only.

`resolver` asks for a lock, `store` keeps what it comes to under the hash of what it was made of. What a party sent, or
published, is read in sandboxes only, by three programs of one file each: `resolve_program` (pip: metadata and pages),
`unpack` (lays the wheels out) and `import_program` (imports what was asked for). The first two run no code of a
package; the third does, in a sandbox as tight as a job's, with nothing in it. `index_program` is the only one outside:
it fetches, by the operator's pip configuration, and reads nothing of what it fetches.
"""
