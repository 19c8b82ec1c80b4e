"""A stack that fails in every way, for hours in a second, on a clock that is set by hand."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.backend.heal.oracle import Oracle

from aistack_backend.clock import HandClock
from aistack_backend.containers.stack.models import HealDecl
from aistack_backend.observe.heal.memory import Memory
from aistack_backend.observe.heal.models import Decision, Mood, Patient, Track
from aistack_backend.observe.heal.policy import decide
from aistack_backend.store.database import Database

STEP = 5.0
PLAIN = HealDecl()


@dataclass
class Machine:
    """The truth about one service."""

    id: str
    needs: tuple[str, ...]
    ready: float
    up: bool = True
    starting: float = 0.0
    cured_by_restart: bool = True
    broken_until: float = 0.0
    crashes_after: float = 0.0
    """A crash loop: it falls so many seconds after every start; 0 = it stays up."""
    held: bool = False
    stopped: bool = False


class Simulation:
    """One seed, one history: crashes, crash loops, dead dependencies, a person's stops and holds, maintenance, lives
    of the backend, and machines that start anew with a clock that went wrong meanwhile."""

    def __init__(self, seed: int, database: Database, services: int = 8) -> None:
        """``database`` is where self-heal keeps what it remembers from one life to the next."""
        self.random = random.Random(seed)
        self.clock = HandClock()
        self.true = 1_000.0
        self.hold = False
        self.tracks: dict[str, Track] = {}
        self.oracle = Oracle()
        self._database = database
        names = [f"s{number}" for number in range(services)]
        self.machines = {
            name: Machine(
                id=name,
                needs=tuple(self.random.sample(names[:index], self.random.randint(0, min(2, index)))),
                ready=self.random.choice((0.0, 10.0, 40.0, 120.0)),
            )
            for index, name in enumerate(names)
        }

    def run(self, hours: float) -> Oracle:
        """Let so many hours pass."""
        end = self.true + hours * 3600
        while self.true < end:
            self._pass(STEP)
            for machine in self.machines.values():
                self._live(machine)
            if self.random.random() < 0.002:
                self.hold = not self.hold
            if self.random.random() < 0.001:
                self._reborn()
            patients = {ident: self._patient(machine) for ident, machine in self.machines.items()}
            decision = decide(patients, self.tracks, self.clock.mono(), self._draw, hold=self.hold)
            self.oracle.watch(self.true, patients, decision, hold=self.hold)
            self._apply(decision)
        return self.oracle

    def _pass(self, seconds: float) -> None:
        self.true += seconds
        self.clock.advance(seconds)

    def _draw(self) -> float:
        return self.random.uniform(-1, 1)

    def _reborn(self) -> None:
        """The backend's next life; sometimes the machine's too, and then its clock may have been set."""
        Memory(self._database, self.clock).save(self.tracks)
        if self.random.random() < 0.3:
            self._pass(self.random.uniform(20, 300))
            self.clock.boot, self.clock.steady = f"boot-{self.random.random()}", self.random.uniform(1, 60)
            if jump := self.random.choice((0, 0, -86_400.0, -3600.0, 3600.0, 259_200.0)):
                self.clock.wall += jump
                self.oracle.lost(self.true)
        self.tracks = Memory(self._database, self.clock).load()

    def _live(self, machine: Machine) -> None:
        chance = self.random.random()
        if chance < 0.001 and machine.up:
            machine.up = False
            machine.cured_by_restart = self.random.random() < 0.6
            machine.broken_until = self.true + self.random.choice((0, 60, 900, 7200))
            machine.crashes_after = self.random.choice((0.0, 0.0, 5.0, 30.0, 90.0, 400.0))
        elif 0.001 <= chance < 0.0015:
            machine.held = not machine.held
        elif 0.0015 <= chance < 0.002:
            machine.stopped = not machine.stopped
            machine.up = not machine.stopped
        elif chance > 0.9995:
            machine.up, machine.crashes_after = True, 0.0  # a person repaired it
        if machine.up and machine.crashes_after and self.true >= machine.starting + machine.crashes_after:
            machine.up = False

    def _mood(self, machine: Machine) -> Mood:
        if machine.stopped:
            return Mood.RESTING
        if self.random.random() < 0.02:
            return Mood.UNSEEN
        if not machine.up:
            return Mood.FAILED
        if any(not self.machines[need].up for need in machine.needs):
            return Mood.FAILED
        return Mood.COMING if self.true < machine.starting else Mood.WELL

    def _patient(self, machine: Machine) -> Patient:
        return Patient(
            id=machine.id,
            mood=self._mood(machine),
            held=machine.held,
            stopped_by_operator=machine.stopped,
            needs=machine.needs,
            heal=PLAIN,
            confirmed=self.random.random() < 0.9,
        )

    def _apply(self, decision: Decision) -> None:
        self.tracks = dict(decision.tracks)
        for machine in (self.machines[ident] for ident in decision.restart):
            if machine.cured_by_restart and self.true >= machine.broken_until:
                machine.up, machine.starting = True, self.true + machine.ready
