"""What the store says once nobody measures any more."""

from __future__ import annotations

from tests.console.stage import NOW

from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_console.client.stream import Event
from aistack_console.errors import BackendDown
from aistack_console.state.store import Store


def test_a_model_that_nobody_measures_is_unknown() -> None:
    store = Store(now=lambda: NOW)
    store.link(None)
    store.apply(Event("e:1", Topic.MODEL, ModelStatus(engine=EngineState.READY, since=NOW, tokens_per_second=40.0)))
    assert store.model is not None
    assert store.model.engine is EngineState.READY
    store.link(BackendDown("It is gone."))
    assert store.model.engine is EngineState.UNKNOWN
    assert store.model.tokens_per_second is None
    assert "ready when the backend last answered" in store.model.detail
