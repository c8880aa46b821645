"""PUT and GET: GCS-shaped locations whose presigned URLs are this engine's own (connector: `gcs_storage_client.py`).

It is the one remote kind that the connector accepts over plain http. Wherever it has no presigned URL, it makes one of
its own: of the public cloud's address, unless the answer names an end point. So every answer names one, the address
that the client reached this engine by. The connector puts `https://` before it, which is not spoken there: what is
tried that way fails at the engine's own port, and no byte of a file is sent.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.lex.tokens import first_word

_GZIP: Final = b"\x1f\x8b"


def transfer_verb(sql: str) -> str | None:
    """`PUT` or `GET`, where the statement is one; else None."""
    word = first_word(sql)
    return word if word in {"PUT", "GET"} else None


def upload_data(
    *,
    sources: Sequence[str],
    location: str,
    url: str,
    end_point: str,
    parallel: int,
    auto_compress: bool,
    source_compression: str,
    overwrite: bool,
) -> dict[str, object]:
    """The `data` of a PUT. `url` takes exactly one file: the one that the statement names.

    `end_point`: `host:port` of this engine, as the client reached it.
    """
    return {
        "command": "UPLOAD",
        "src_locations": list(sources),
        "parallel": parallel,
        "autoCompress": auto_compress,
        "sourceCompression": source_compression.lower(),
        "overwrite": overwrite,
        "encryptionMaterial": None,
        "stageInfo": _stage_info(location, end_point) | {"presignedUrl": url},
    }


def download_data(
    *, local: str, files: Sequence[str], urls: Sequence[str], location: str, end_point: str, parallel: int
) -> dict[str, object]:
    """The `data` of a GET: one URL a file, in the same order."""
    return {
        "command": "DOWNLOAD",
        "localLocation": local,
        "src_locations": list(files),
        "presignedUrls": list(urls),
        "parallel": parallel,
        "encryptionMaterial": [],
        "stageInfo": _stage_info(location, end_point),
    }


def _stage_info(location: str, end_point: str) -> dict[str, object]:
    return {
        "locationType": "GCS",
        "location": location,
        "creds": {},
        "endPoint": end_point,
        "useRegionalUrl": False,
        "useVirtualUrl": False,
        "isClientSideEncrypted": False,
    }


def stored_name(named: str, head: bytes, *, gzip: bool) -> str:
    """What an uploaded file is called: a file that the connector compressed on the way (where it was told to: `gzip`)
    ends with `.gz` there.

    It says so itself, in the PUT that it repeats for each file, but where the path was a bound value it cannot.
    """
    packed = head.startswith(_GZIP) and mimetypes.guess_type(named)[1] is None and not named.endswith(".br")
    return f"{named}.gz" if gzip and packed else named
