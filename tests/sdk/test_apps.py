"""Applications with windows, with the real toolkits as far as they run without a screen."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sojourn import AppInfo, Client, MemoryStore

Program = Callable[..., "subprocess.CompletedProcess[str]"]

BEGIN = """
import sys
from sojourn import AppInfo, Client, Sessions
client = Client("key", sys.argv[1], profile="android", storage=sys.argv[2],
                app=AppInfo("Shop", "1.0", 1), strict=True)
"""
COMES_AND_GOES = [
    "Application Installed",
    "Application Opened",
    "one",
    "Application Backgrounded",
    "Application Opened",
    "two",
]


def need(package: str) -> None:
    """Skip without importing: some of these packages change the process that imports them."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}")


@pytest.fixture
def run(program: Program, stub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def go(code: str, **environment: str) -> list[str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "home").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        program(BEGIN + code, stub.url, tmp_path / "data")
        return stub.names  # type: ignore[no-any-return]

    return go


def test_qt_tells_of_background_foreground_and_the_end(run: Any) -> None:
    need("PySide6")
    names = run(
        """
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from sojourn.sdk.apps import qt
app = QGuiApplication([])
qt.attach(client, app)
client.track("one")
State = Qt.ApplicationState
script = [State.ApplicationActive, State.ApplicationInactive, State.ApplicationHidden,
          State.ApplicationSuspended, State.ApplicationInactive, State.ApplicationActive]
for state in script:
    app.applicationStateChanged.emit(state)
client.track("two")
QTimer.singleShot(0, app.quit)
sys.exit(app.exec())
""",
        QT_QPA_PLATFORM="offscreen",
    )
    assert names == COMES_AND_GOES


def test_qt_can_be_detached(run: Any) -> None:
    need("PySide6")
    names = run(
        """
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from sojourn.sdk.apps import qt
app = QGuiApplication([])
detach = qt.attach(client, app)
detach()
app.applicationStateChanged.emit(Qt.ApplicationState.ApplicationSuspended)
client.track("one")
""",
        QT_QPA_PLATFORM="offscreen",
    )
    assert names == COMES_AND_GOES[:3]


def test_kivy_tells_of_pause_resume_and_stop(run: Any) -> None:
    need("kivy")
    names = run(
        """
import warnings
warnings.simplefilter("ignore")
from kivy.app import App
from kivy.event import EventDispatcher
from sojourn.sdk.apps import kivy as adapter
class Shop(App):
    def on_pause(self):
        return True
class Window(EventDispatcher):  # the real one needs a display
    __events__ = ("on_minimize", "on_restore")
    def on_minimize(self): pass
    def on_restore(self): pass
app, window = Shop(), Window()
adapter.attach(client, app, window)
client.track("one")
assert app.dispatch("on_pause") is True
app.dispatch("on_resume")
client.track("two")
window.dispatch("on_minimize")
window.dispatch("on_restore")
app.dispatch("on_stop")
""",
        KIVY_NO_ARGS="1",
        KIVY_NO_CONSOLELOG="1",
        KIVY_NO_FILELOG="1",
    )
    assert names == [*COMES_AND_GOES, "Application Backgrounded", "Application Opened"]


def test_toga_tells_of_shown_hidden_and_exit(run: Any) -> None:
    need("toga_dummy")
    names = run(
        """
import toga
from sojourn.sdk.apps import toga as adapter
called = []
class Shop(toga.App):
    def startup(self):
        self.main_window = toga.MainWindow(on_hide=lambda w, **k: called.append("hide"))
        adapter.attach(client, self)
        self.main_window.show()
    def on_exit(self):
        called.append("exit")
        return True
app = Shop("Shop", "org.example.shop")
client.track("one")
app.main_window.on_show()
app.main_window.on_hide()
app.main_window.on_show()
client.track("two")
assert called == ["hide"]
app.request_exit()
assert called == ["hide", "exit"]
assert client.stats.queued == 0
""",
        TOGA_BACKEND="toga_dummy",
    )
    assert names == COMES_AND_GOES


def test_flet_tells_of_the_states_of_its_page(stub: Any) -> None:
    flet = pytest.importorskip("flet")
    from sojourn.sdk.apps import flet as adapter

    class Page:  # the real one needs a running session
        on_app_lifecycle_state_change: Any = None
        on_close: Any = None

    client = Client(
        "key",
        stub.url,
        profile="android",
        storage=MemoryStore(),
        app=AppInfo("Shop", "1.0", 1),
    )
    assert {"on_app_lifecycle_state_change", "on_close"} <= set(dir(flet.Page))
    seen: list[Any] = []
    page = Page()
    page.on_app_lifecycle_state_change = seen.append
    adapter.attach(client, page)
    client.track("one")
    states = flet.AppLifecycleState
    script = [states.RESUME, states.INACTIVE, states.HIDE, states.PAUSE, states.SHOW, states.RESUME]
    for state in script:
        event = flet.AppLifecycleStateChangeEvent(
            name="app_lifecycle_state_change", control=page, state=state
        )
        page.on_app_lifecycle_state_change(event)
    client.track("two")
    page.on_close(None)
    assert stub.names == COMES_AND_GOES
    assert len(seen) == len(script)


def test_importing_the_adapters_imports_no_framework(program: Program) -> None:
    program(
        """
import sys
from sojourn.sdk.apps import flet, kivy, qt, toga
from sojourn.sdk.integrations import asgi, celery, django, flask, starlette, wsgi
frameworks = {"flet", "kivy", "PySide6", "toga", "django", "flask", "starlette", "celery"}
assert not frameworks & set(sys.modules)
"""
    )
