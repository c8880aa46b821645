"""Build the library's wheel and train its model, as the company did long before anybody asked for a clean room.

    python build.py [DIRECTORY]             # default: ../code

The same sources give the same wheel, byte for byte: what was approved can be built again and compared.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path

import dietscore
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from cleanroom_ml.local.sample_data import published

HERE = Path(__file__).resolve().parent
VERSION = dietscore.__version__
WHEEL = f"dietscore-{VERSION}-py3-none-any.whl"
METADATA = f"Metadata-Version: 2.1\nName: dietscore\nVersion: {VERSION}\nSummary: How fresh a basket is.\n"
ABOUT = "Wheel-Version: 1.0\nGenerator: build.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
FRESH = ("PRODUCE", "NUTRITION", "SALAD BAR")
SWEET = "CANDY|COOKIE|SOFT DRINK"


def write_wheel(target: Path) -> None:
    """The library as a wheel (packaging.python.org, "Binary distribution format")."""
    info = f"dietscore-{VERSION}.dist-info"
    files = {f"dietscore/{path.name}": path.read_bytes() for path in sorted((HERE / "dietscore").glob("*.py"))}
    files |= {f"{info}/METADATA": METADATA.encode(), f"{info}/WHEEL": ABOUT.encode()}
    record = [f"{name},sha256={_hash(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    # Not compressed: two versions of a compressor need not write the same bytes.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)


def model() -> str:
    """Weights of words in the names of products: how much each speaks for fresh food. A small logistic regression."""
    products = published("products").dropna(subset=["product_type"])
    sweet = products["product_category"].str.contains(SWEET).eq(True)
    known = products[products["department"].isin(FRESH) | sweet]
    counter = CountVectorizer(analyzer=dietscore.words, min_df=15, binary=True)
    learned = LogisticRegression(C=0.5, max_iter=500, class_weight="balanced").fit(
        counter.fit_transform(known["product_type"]), known["department"].isin(FRESH)
    )
    weights = dict(zip(counter.get_feature_names_out(), np.round(learned.coef_[0], 3).tolist(), strict=True))
    return json.dumps({"bias": round(float(learned.intercept_[0]), 3), "weights": weights}, indent=0) + "\n"


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def main() -> None:
    target = Path(sys.argv[1]) if sys.argv[1:] else HERE.parent / "code"
    (target / "wheels").mkdir(parents=True, exist_ok=True)
    write_wheel(target / "wheels" / WHEEL)
    (target / "model.json").write_text(model(), encoding="utf-8")
    print(f"{target}: wheels/{WHEEL}, model.json")


if __name__ == "__main__":
    main()
