"""Send a result out of the room, and take in what partners sent (docs/api-digest.md §5)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import (
    CleanroomError,
    CommunicationError,
    ConflictError,
    ServerError,
    UsageError,
    WaitTimeoutError,
)
from cleanroom_ml.services.answers import named_rows
from cleanroom_ml.services.memberships import Membership, me, members
from cleanroom_ml.services.named import not_there
from cleanroom_ml.services.run_refusals import explained
from cleanroom_ml.services.runnable import runnable_template
from cleanroom_ml.services.segment_records import candidates, named, newest_of
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.upgrades import once_upgraded
from cleanroom_ml.services.waiting import Pauses, patiently
from cleanroom_ml.specs.analysis import Analysis
from cleanroom_ml.specs.write import dump_spec

LISTED_SECONDS = 60.0
"""How long a batch that was sent may take to be listed: nobody says, and other answers are seconds late."""
PROCESSED_SECONDS = 300.0
"""How long PROCESS_ACTIVATION may take after it has answered."""
_ARRIVED = frozenset({"SHARED", "PROCESSED", "FAILED"})


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """An activation template's run: where its rows go, and under which segment name."""

    collaboration: str
    template: str
    destination: str
    segment: str
    tables: tuple[str, ...] = ()
    my_tables: tuple[str, ...] = ()
    arguments: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation as VIEW_ACTIVATIONS tells it: PENDING, REPLICATING, SHARED, FAILED or PROCESSED."""

    segment_name: str
    batch_id: str
    status: str
    template_id: str
    shared_by: str
    shared_with: str
    details: str
    updated_on: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that is in this account. `new` is False where it had been taken before; `table`: where it is."""

    segment_name: str
    batch_id: str
    status: str
    shared_by: str
    new: bool
    table: str = ""


def activate(
    connection: Connection,
    request: ActivationRequest,
    *,
    again: bool = False,
    wait: bool = False,
    timeout_seconds: float | None = None,
    on_status: Callable[[Activation], None] | None = None,
    on_upgrade: Callable[[str], None] | None = None,
) -> Activation:
    """Run the activation template and send its rows to the destination.

    Args:
        again: send a segment that this party has sent to the destination before, as another batch.
        wait: until the rows are ready to be processed by the destination; `on_status` is told each change.
        on_upgrade: is told each state of an upgrade of the room's application that is waited for.

    Raises:
        NotApprovedError: the template is not approved.
        ConflictError: the segment was sent to the destination before, and that has not failed.
        PolicyDeniedError: the destination is not one of this runner's, or a column may not leave.
        ServerError: the target refused it, or sending failed; with the target's details.
        CommunicationError: the connection broke; says whether anything was sent, as far as the target tells it.
        WaitTimeoutError: the rows are on their way.
    """
    template_id = runnable_template(connection, request.collaboration, request.template)
    analysis = Analysis.of(
        template_id,
        tables=request.tables,
        my_tables=request.my_tables,
        arguments=request.arguments,
        activation={"snowflake_collaborator": request.destination, "segment_name": request.segment},
    )
    listed = list_activations(connection, request.collaboration)
    if not again:
        _check_new(connection, request, listed)
    before = {item.batch_id for item in listed}
    try:
        given = {"tables": request.tables, "my_tables": request.my_tables}
        with explained(connection, request.collaboration, "activate", given):
            ran = once_upgraded(
                connection,
                request.collaboration,
                lambda: connection.call("COLLABORATION.RUN", request.collaboration, dump_spec(analysis)),
                on_wait=on_upgrade,
            )
    except CommunicationError as broken:
        raise _broken(connection, request, before, broken) from broken
    except ServerError as refused:
        _to_nobody(connection, request, refused)
        raise
    sent = _listed(connection, request, before)
    if sent is None:
        own = own_alias(connection, request.collaboration)
        if request.destination.upper() == own.upper():
            # It is in this account at once, and VIEW_ACTIVATIONS lists what goes from one account to another.
            batch = str(ran[0].get("batch_id") or "") if ran else ""
            return Activation(request.segment, batch, "PROCESSED", template_id, own, own, "", "")
        sent = _wait_for_it(connection, request, before)
    if wait:
        sent = _wait_until_shared(connection, request.collaboration, sent, timeout_seconds, on_status)
    if sent.status == "FAILED":
        raise ServerError(
            f"sending the segment {sent.segment_name} failed",
            why=sent.details or None,
            fix=f"cleanroom-ml activate  sends it again, as another batch than {sent.batch_id}",
        )
    return sent


def _to_nobody(connection: Connection, request: ActivationRequest, refused: ServerError) -> None:
    """Where the destination is nobody in the collaboration, the refusal says whom there is."""
    try:
        aliases = [each.collaborator for each in members(connection, request.collaboration)]
    except CleanroomError:  # not this role's to see: what the target said of it is all that is known
        return
    if request.destination.upper() not in map(str.upper, aliases):
        refused.why = not_there("collaborator", request.destination, aliases, fix="").why
        refused.fix = "correct --to, or activate.to in cleanroom.yaml: cleanroom-ml collaboration show"


def list_activations(connection: Connection, collaboration: str) -> tuple[Activation, ...]:
    """What this party sent or was sent."""
    return tuple(
        Activation(
            segment_name=str(row["segment_name"]),
            batch_id=str(row["batch_id"]),
            status=str(row["status"]).upper(),
            template_id=str(row.get("template_id") or ""),
            shared_by=str(row["shared_by"]),
            shared_with=str(row["shared_with"]),
            details=str(row.get("details") or ""),
            updated_on=rfc3339(row.get("updated_on")),
        )
        for row in named_rows(connection.call("COLLABORATION.VIEW_ACTIVATIONS", collaboration), "batch_id")
    )


def process(
    connection: Connection, collaboration: str, segment: str | None = None, batches: Sequence[str] = ()
) -> tuple[Taken, ...]:
    """Take what partners sent (one segment, some batches, or all) into the table that PROCESS_ACTIVATION names.

    Repeating is safe: what was taken before stays as it is.

    Raises:
        UsageError: nobody has sent this party such a segment, or such a batch; a segment and batches were named.
        CleanroomError: what was named is on its way, or sending it failed; without a name, all that is not taken yet
            is on its way.
        WaitTimeoutError: it is not processed yet.
    """
    if segment is not None and batches:
        raise UsageError("a segment and batches exclude each other", fix="drop one of --segment and --batch")
    receiver = me(connection, collaboration)
    alias = receiver.collaborator.upper() if receiver else ""
    listed = list_activations(connection, collaboration)
    sent = [item for item in listed if item.shared_with.upper() == alias and item.shared_by.upper() != alias]
    meant = [
        item for item in sent if segment in (None, item.segment_name) and (not batches or item.batch_id in batches)
    ]
    if segment is not None or batches:
        _check_asked(connection, collaboration, segment, batches, sent)
        _check_arrived(meant)
    elif not any(item.status == "SHARED" for item in meant):
        # Nothing is there to be taken: what is still on its way is no success, whatever was taken before.
        _check_arrived([item for item in meant if item.status not in ("PROCESSED", "FAILED")])
    before = {item.batch_id for item in _here(listed, alias)}
    asked: tuple[object, ...] = (list(batches),) if batches else () if segment is None else (segment,)
    # Asked once more for what is here, a target may refuse: there is nothing to process.
    taken = bool(meant) and all(item.status == "PROCESSED" for item in meant)
    told = () if taken else named(connection.call("COLLABORATION.PROCESS_ACTIVATION", collaboration, *asked))
    table = told[0] if told else ""
    now = _wait_until_processed(connection, collaboration, {item.batch_id for item in meant if item.status == "SHARED"})
    return tuple(
        Taken(item.segment_name, item.batch_id, item.status, item.shared_by, item.batch_id not in before, table)
        for item in _here(now, alias)
        if segment in (None, item.segment_name) and (not batches or item.batch_id in batches)
    )


def received(connection: Connection, collaboration: str, receiver: Membership | None) -> tuple[Activation, ...]:
    """The batches whose records are in this account. What one sends to oneself is there at once, never processed."""
    alias = receiver.collaborator.upper() if receiver else ""
    return _here(list_activations(connection, collaboration), alias)


def _here(listed: Sequence[Activation], alias: str) -> tuple[Activation, ...]:
    return tuple(
        item
        for item in listed
        if item.shared_with.upper() == alias
        and (item.status == "PROCESSED" or (item.status == "SHARED" and item.shared_by.upper() == alias))
    )


def own_alias(connection: Connection, collaboration: str) -> str:
    """What this account is called in the collaboration; empty where it is no member."""
    mine = me(connection, collaboration)
    return mine.collaborator if mine else ""


def sent_to_oneself(connection: Connection, collaboration: str, segment: str) -> str | None:
    """The newest batch of a segment that this account sent to itself; None where there is none."""
    return newest_of(connection, candidates(collaboration), segment, own_alias(connection, collaboration))


def _check_new(connection: Connection, request: ActivationRequest, listed: Sequence[Activation]) -> None:
    """Raises ConflictError where this party has sent the segment to the destination, and that has not failed."""
    own, to = own_alias(connection, request.collaboration).upper(), request.destination.upper()
    sent = [
        item
        for item in listed
        if item.segment_name == request.segment
        and item.shared_with.upper() == to
        and (not own or item.shared_by.upper() == own)
        and item.status != "FAILED"
    ]
    last = max(sent, key=lambda item: item.updated_on, default=None)
    known = f"{last.batch_id}, which is {last.status}" if last is not None else None
    if known is None and own == to:  # what one sends to oneself is not listed
        known = sent_to_oneself(connection, request.collaboration, request.segment)
    if known is not None:
        raise ConflictError(
            f"the segment {request.segment} for {request.destination} was sent before as batch {known}",
            why="to send it again is another batch, with the rows as they are now",
            fix="cleanroom-ml activation list; to send it all the same: cleanroom-ml activate … --again",
        )


def _check_asked(
    connection: Connection, collaboration: str, segment: str | None, batches: Sequence[str], sent: Sequence[Activation]
) -> None:
    segments = {each.segment_name for each in sent}
    if segment is not None and segment not in segments and sent_to_oneself(connection, collaboration, segment) is None:
        raise not_there("segment for this party called", segment, segments, fix="cleanroom-ml activation list")
    known = {each.batch_id for each in sent}
    for batch in batches:
        if batch not in known:
            raise not_there("batch for this party called", batch, known, fix="cleanroom-ml activation list")


def _check_arrived(meant: Sequence[Activation]) -> None:
    """Raises CleanroomError where nothing of what was named can be processed."""
    last = max(meant, key=lambda item: item.updated_on, default=None)
    if last is None or any(item.status in ("SHARED", "PROCESSED") for item in meant):
        return
    what = f"the segment {last.segment_name} from {last.shared_by}"
    if last.status == "FAILED":
        raise CleanroomError(f"{what} failed", why=last.details or None, fix=f"{last.shared_by}: cleanroom-ml activate")
    raise CleanroomError(
        f"{what} is still {last.status}",
        why="it can be processed once it is SHARED",
        fix="cleanroom-ml activation list",
    )


def _wait_until_processed(connection: Connection, collaboration: str, batches: set[str]) -> tuple[Activation, ...]:
    """All activations, once these batches are SHARED no more."""
    pauses, deadline = Pauses(), time.monotonic() + PROCESSED_SECONDS
    while True:
        now = patiently(lambda: list_activations(connection, collaboration))
        waiting = [item for item in now if item.batch_id in batches and item.status == "SHARED"]
        failed = [item for item in now if item.batch_id in batches and item.status == "FAILED"]
        if failed:
            what = ", ".join(f"batch {item.batch_id}" for item in failed)
            raise ServerError(f"processing {what} failed", why=failed[0].details or None)
        if not waiting:
            return now
        if time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"batch {waiting[0].batch_id} is still {waiting[0].status}",
                why=f"waited {PROCESSED_SECONDS:g} s; the target goes on with it, and repeating is safe",
                fix="cleanroom-ml activation list",
            )
        pauses.sleep(deadline)


def _listed(connection: Connection, request: ActivationRequest, before: set[str]) -> Activation | None:
    """The batch that was sent since: it was not there before, and is of this segment and for this destination."""
    fresh = [
        item
        for item in list_activations(connection, request.collaboration)
        if item.batch_id not in before
        and item.segment_name == request.segment
        and item.shared_with.upper() == request.destination.upper()
    ]
    return max(fresh, key=lambda item: item.updated_on) if fresh else None


def _wait_for_it(connection: Connection, request: ActivationRequest, before: set[str]) -> Activation:
    """The batch, once it is listed. Raises WaitTimeoutError: it was sent, and is not listed yet."""
    pauses, deadline = Pauses(), time.monotonic() + LISTED_SECONDS
    while (sent := patiently(lambda: _listed(connection, request, before))) is None:
        if time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"the segment {request.segment} was sent, and is not listed after {LISTED_SECONDS:g} s",
                why="to run it again would send the rows twice",
                fix="cleanroom-ml activation list",
            )
        pauses.sleep(deadline)
    return sent


def _wait_until_shared(
    connection: Connection,
    collaboration: str,
    sent: Activation,
    timeout_seconds: float | None,
    on_status: Callable[[Activation], None] | None,
) -> Activation:
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    pauses, last = Pauses(), ""
    while True:
        if sent.status != last and on_status is not None:
            on_status(sent)
        last = sent.status
        if sent.status in _ARRIVED:
            return sent
        if deadline is not None and time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"the segment {sent.segment_name} is still {sent.status}",
                why=f"waited {timeout_seconds:g} s; batch {sent.batch_id} is on its way",
                fix="cleanroom-ml activation list",
            )
        pauses.sleep(deadline)
        now = patiently(lambda: list_activations(connection, collaboration))
        sent = next((item for item in now if item.batch_id == sent.batch_id), sent)


def _broken(
    connection: Connection, request: ActivationRequest, before: set[str], broken: CommunicationError
) -> CommunicationError:
    """What is known of an activation whose answer never came. To send it once more could send everything twice."""
    what = f"the connection broke while the segment {request.segment} was being sent"
    sent = None
    with contextlib.suppress(CleanroomError):
        sent = _listed(connection, request, before)
    if sent is not None:
        why = f"it was sent: batch {sent.batch_id} is {sent.status}"
        return CommunicationError(what, why=why, fix="do not repeat it; cleanroom-ml activation list")
    why = f"{broken.why or broken.what}; whether it was sent is not known, and it was not repeated"
    look = "cleanroom-ml activation list, and cleanroom-ml history"
    return CommunicationError(what, why=why, fix=f"before you repeat it, look: {look}")
