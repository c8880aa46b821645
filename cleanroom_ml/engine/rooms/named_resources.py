"""What a collaboration's spec names of an account's own: who puts it into a collaboration has to be able to read it.

Otherwise a role without READ on a custom registry would have what is in it shown by the collaboration that it makes.
"""

from __future__ import annotations

from collections.abc import Iterator

from cleanroom_ml.engine.rooms.access import identity
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.identifiers import same

AT = {"INITIALIZE": 0, "EDIT": 1}
"""The argument of a procedure that is such a spec."""


def named_in(spec_text: object, account: str) -> Iterator[tuple[str, str]]:
    """(kind, id) of the templates that a spec names, and of the data offerings of the account's own.

    Raises:
        SqlError: SpecValidationError.
    """
    spec = read_spec(Collaboration, spec_text)
    for runner in spec.analysis_runners.values():
        yield from (("TEMPLATE", each.id) for each in runner.templates)
        for alias, provider in runner.data_providers.items():
            if same(spec.account_of(alias) or "", identity(account)):
                yield from (("DATA OFFERING", each.id) for each in provider.data_offerings)
