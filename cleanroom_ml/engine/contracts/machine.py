"""The one kind of state machine: a table of moves. What a table does not hold raises (ARCHITECTURE, "Decisions").

Whoever moves something persists the new state before acting on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State", bound=str)


class IllegalTransition(Exception):
    """The machine has no such move. `state` is where it is, `wanted` where it should have gone."""

    def __init__(self, machine: str, state: str, wanted: str) -> None:
        super().__init__(f"a {machine} that is {state} cannot become {wanted}")
        self.machine = machine
        self.state = state
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Machine(Generic[State]):
    """One kind of thing, the states that it begins in, and its moves. A state without moves is terminal.

    Raises:
        ValueError: a state is begun in, or moved to, that is none of the table's; or nothing leads to one.
    """

    name: str
    begins: frozenset[State]
    moves: Mapping[State, frozenset[State]]

    def __post_init__(self) -> None:
        reached = self.begins.union(*self.moves.values())
        if reached != self.moves.keys():
            odd = ", ".join(sorted(reached ^ self.moves.keys()))
            raise ValueError(f"the states of a {self.name} do not hang together: {odd}")

    @classmethod
    def of(cls, name: str, begins: Iterable[State], moves: Mapping[State, Iterable[State]]) -> Machine[State]:
        """The machine with these moves, whatever collections they are written in."""
        return cls(name, frozenset(begins), {state: frozenset(targets) for state, targets in moves.items()})

    def move(self, state: State, wanted: State) -> State:
        """`wanted`, if it can be reached from `state` in one step.

        Raises:
            IllegalTransition: it cannot, or one of the two is no state.
        """
        if wanted not in self.moves.get(state, frozenset()):
            raise IllegalTransition(self.name, state, wanted)
        return wanted

    def terminal(self, state: State) -> bool:
        """Whether nothing leaves `state`."""
        return not self.moves[state]
