"""The first line of every screen: who, what is wrong, what needs the operator, how late it is."""

from __future__ import annotations

from aistack_console.widgets.line import Line


class StatusBar(Line):
    """Shows the cells of ``present.header``."""

    DEFAULT_CSS = "StatusBar { background: $panel; }"


class Banner(Line):
    """A sentence that must stay on screen; hidden while there is none."""

    DEFAULT_CSS = """
    Banner { display: none; height: auto; max-height: 3; text-wrap: wrap; background: $error-muted;
             &.-on { display: block; } }
    """

    def say(self, sentence: str) -> None:
        """Show the sentence, or nothing when it is empty."""
        before = self.cells
        self.set_class(bool(sentence), "-on")
        self.show(((f" ! {sentence}", "bad"),) if sentence else ())
        if self.cells != before:
            self.refresh(layout=True)
