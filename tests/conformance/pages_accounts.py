"""The pages about what an account has before it takes part in anything: roles, registries, stages, versions."""

from __future__ import annotations

from pages_page import CLEANROOMS, Page, Part

_ACCESS = Page(
    f"{CLEANROOMS}/manage-access.md",
    parts=(
        Part("me", 0, 0, opening=("USE ROLE ACCOUNTADMIN",)),
        Part("me", 1, 1, given=(("me", "USE ROLE ACCOUNTADMIN"), ("me", "CREATE ROLE IF NOT EXISTS EU_SALES_TEAM"))),
    ),
    values={"alexander_hamilton": "ADMIN"},
)
_REGISTRIES = Page(
    f"{CLEANROOMS}/registries.md",
    parts=(Part("me", 0, 0, opening=("USE ROLE ACCOUNTADMIN",)),),
    values={"willy_loman": "ADMIN"},
)
_STAGES = tuple(
    Page(
        f"{CLEANROOMS}/{page}.md",
        values={"<ml_code_db>": "ML_CODE"},
        given=(
            ("me", "CREATE DATABASE IF NOT EXISTS ML_CODE"),
            ("me", f"CREATE STAGE ML_CODE.PUBLIC.{stage} DIRECTORY = (ENABLE = TRUE) "
                   "ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')"),
        ),
        files=files,
        downloads=downloads,
    )
    for page, stage, files, downloads in (
        ("collab-mljobs-rmn-hpo", "ML_RMN_STAGE", ("rmn_train_hpo.py", "rmn_score.py"), "two worksheets, two scripts"),
        ("collab-lookalike-modeling", "ML_LAL_STAGE", ("lal_train.py", "lal_score.py"), "four worksheets, two scripts"),
    )
)  # fmt: skip
OF_ACCOUNTS: tuple[Page, ...] = (
    _ACCESS,
    _REGISTRIES,
    *_STAGES,
    Page(f"{CLEANROOMS}/managing-updates.md"),
    Page(f"{CLEANROOMS}/installed-artifacts.md", reasons={
        "EXECUTE IMMEDIATE FROM @SAMOOHA_BY_SNOWFLAKE": "a file of the service's application, which is not public; the "
        "sample tables that it installs are there",
    }),
    Page(f"{CLEANROOMS}/collab-overlap-and-activation.md", downloads="two notebooks"),
    Page(f"{CLEANROOMS}/resources-data-offerings.md", given=(
        ("me", "CREATE DATABASE IF NOT EXISTS MY_DATABASE"), ("me", "CREATE DATABASE IF NOT EXISTS MY_DB"),
        ("me", "USE ROLE ACCOUNTADMIN"), ("me", "CREATE ROLE MY_ROLE"),
    )),
    Page(f"{CLEANROOMS}/developer-template-chains.md"),
)  # fmt: skip
