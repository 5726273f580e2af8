"""The values of the session machine: state, inputs, effects. All frozen, all plain tuples.

Times are whole milliseconds since the Unix epoch; durations are milliseconds.
"""

from __future__ import annotations

import enum
from typing import Any, NamedTuple, Optional, Union


class Kind(enum.Enum):
    """What a session is, as the next launch will take it."""

    NONE = "none"
    AUTO = "auto"
    MANUAL = "manual"


class CutOff(NamedTuple):
    """The maximum duration of an automatic session (web)."""

    enabled: bool
    duration: int
    """Milliseconds."""
    expires_at: Optional[int]
    """The session is over once the clock is later than this; None: not set yet."""


class Session(NamedTuple):
    """The session itself: what storage keeps, and what tabs of one browser share."""

    id: Any
    """A number; None: no session. Storage written by others may hold any JSON value."""
    kind: Kind
    start: Optional[bool]
    """None: no event yet; True: the last event was the first one; False: later."""
    last: Optional[int]
    """The last activity, which expiry is counted from."""
    timeout: Optional[int]
    """The inactivity allowed, as the last launch set it; None: no launch did."""
    cut_off: Optional[CutOff]
    forgotten: bool
    """The next process starts without `last`, though this one goes on counting from it."""
    carried: bool
    """A launch found this manual session in storage, and left it running."""


class Process(NamedTuple):
    """What this process (or page) knows, and forgets when it ends."""

    on: bool
    """Automatic tracking is in force."""
    foreground: bool
    was_background: bool
    """In the background since the last foreground."""
    opened: bool
    """An `Application Opened` was sent."""
    returned: bool
    """The first foreground notice has passed."""


class State(NamedTuple):
    """The whole state of one client. Start with `NEW` or `sojourn.core.session_records.restore`."""

    session: Session
    process: Process
    anonymous_id: str
    """Empty until the first launch."""
    user_id: str
    """Empty: anonymous."""
    version: str
    """The application's version that the last launch saw; empty: none yet."""
    build: Any
    """Its build, a number on most platforms; None: none yet."""
    opted_out: bool


NO_SESSION = Session(None, Kind.NONE, None, None, None, None, False, False)
"""No session, and nothing known of an earlier one. Storage holds nothing then."""
NEW_PROCESS = Process(False, True, False, False, False)
NEW = State(NO_SESSION, NEW_PROCESS, "", "", "", None, False)
"""The state of a client that has never run."""


class Launch(NamedTuple):
    """The program or page starts, on what storage held."""

    anonymous_id: str
    """A fresh random id; used only if the state has none."""
    version: str = ""
    """The application's version; empty: there is none, and no Installed or Updated event."""
    build: Any = None
    ui: bool = True
    """False: started without a user interface, as for a push message."""


class Close(NamedTuple):
    """The process ends, or the page is left. What does not survive goes."""

    announced: bool = False
    """The system announced the termination first."""


class Foreground(NamedTuple):
    """The application comes to the front."""


class Background(NamedTuple):
    """The application leaves the front."""


class Event(NamedTuple):
    """`track`, `page`, `screen` or `group`, or an event of the program's own."""

    blank: bool = False
    """Its name or id is empty (some platforms drop such calls)."""


class Identify(NamedTuple):
    """`identify`: names the person, which may be another than before, and is an event."""

    user_id: Optional[str]
    """None: only traits, the person stays. Empty: no longer known."""
    anonymous_id: str = ""
    """A fresh random id, used where a switch of the person renews the anonymous id."""
    stored: Optional[Session] = None
    """What storage holds, where others write it (see `Adopt`): a switch goes by memory, and
    an event by storage, so this call needs both. None: memory is all there is."""


class Alias(NamedTuple):
    """`alias`: a new id for the same person; an event."""

    user_id: str


class Reset(NamedTuple):
    """`reset`: forgets the person and renews the session."""

    anonymous_id: str
    """A fresh random id, used only if the anonymous id is renewed."""
    renew_anonymous_id: Optional[bool] = None
    """None: what the platform does without being told."""
    session: bool = True
    """False: leaves the session alone."""
    user: bool = True
    """False: leaves the user id alone."""


class StartSession(NamedTuple):
    """`start_session`: a manual session."""

    id: Any = None
    """As the caller gave it; checked by the platform's rule. None: the clock."""


class EndSession(NamedTuple):
    """`end_session`."""


class OptOut(NamedTuple):
    """The person objects to tracking, or no longer does."""

    value: bool


class SetAnonymousId(NamedTuple):
    """The application chooses the anonymous id."""

    anonymous_id: str


class Adopt(NamedTuple):
    """Storage was read and holds this session now (another tab or process may have written it)."""

    session: Session


Input = Union[
    Launch,
    Close,
    Foreground,
    Background,
    Event,
    Identify,
    Alias,
    Reset,
    StartSession,
    EndSession,
    OptOut,
    SetAnonymousId,
    Adopt,
]

EVENT = Event()
"""The usual event: reuse it, it holds nothing."""


class Reason(enum.Enum):
    """Why a transition did what it did. The value is the sentence for logs and docs."""

    CONTINUES = "the session goes on"
    NONE = "there is no session"
    FIRST = "automatic tracking begins its first session"
    TIMEOUT = "the last activity is too long ago"
    CUT_OFF = "the maximum duration is over"
    REPLACES_MANUAL = "automatic tracking replaces what it did not begin"
    STAYS_MANUAL = "a manual session outlives the launch"
    AUTO_OFF = "automatic tracking is off: its session ends"
    MANUAL = "the caller starts a session"
    REFUSED = "the given session id is not acceptable: nothing starts"
    REFUSED_CLOCK = "the given session id is not acceptable: the clock gives one"
    ENDED = "the caller ends the session"
    RESET = "a reset renews the session"
    USER_CHANGE = "another person: a new session"
    OPTED_OUT = "dropped: the person opted out"
    BLANK = "dropped: its name or id is empty"
    UNCHECKED = "expiry is not looked at now"
    CLOSED = "the process ends"
    ADOPTED = "storage holds this session"
    IDENTITY = "only the identity or a setting changes"


class Change(enum.Enum):
    """What became of the session."""

    KEPT = "kept"
    STARTED = "started"
    ENDED = "ended"
    ADOPTED = "adopted"


class Emitted(NamedTuple):
    """A `track` event that the client sends by itself, with its stamp."""

    name: str
    properties: dict[str, Any]
    session_id: Any
    session_start: bool


class Effect(NamedTuple):
    """What a step did, and what the caller is to do now."""

    reason: Reason
    change: Change
    accepted: bool = True
    """False: the call is dropped, see the reason; send nothing."""
    session_id: Any = None
    """For events: goes into `context.sessionId`; None: no session part."""
    session_start: bool = False
    """For events: `context.sessionStart` is true."""
    emitted: tuple[Emitted, ...] = ()
    """Events of the client's own, to be sent in this order."""
