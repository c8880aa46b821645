"""A statement under way in this process, and how it is stopped."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol.results import Reply


class Running(Cancellation):
    """A statement under way in this process: the token that ends it, and `done`, resolved once its record is final,
    with what is to be sent to the client that waits, where that was made already.

    `names` are the query ids that it is found by (`under_way.UnderWay` keeps them).
    """

    def __init__(self, query_id: str, owner: Owner, session_id: str) -> None:
        super().__init__(owner)
        self.query_id = query_id
        self.answer_id = query_id
        """Whose answer its client gets: that of an earlier attempt, or of another statement that it asks for."""
        self.recorded = False
        """There is a record by that id."""
        self.session_id = session_id
        self.names: set[str] = set()
        self.reply: Reply | None = None
        self.done: Future[Reply | None] = Future()

    def refuse(self, error: Exception) -> None:
        """Tell who waits that there is no such statement: nothing of it was recorded."""
        with suppress(InvalidStateError):
            self.done.set_exception(error)

    def finish(self) -> None:
        """Tell who waits. Idempotent."""
        with suppress(InvalidStateError):
            self.done.set_result(self.reply)
