-- The tables of the session model. Every column is a pure function of the set of stored events:
-- no clock, no order of arrival, no count of recomputations is in them.
-- Times are UTC, to the millisecond, in TIMESTAMP. Missing text is NULL, never ''.

-- name: create_session_events
-- One row per event of any type, one per (source_id, message_id); of several copies the one that
-- was received first counts.
CREATE TABLE IF NOT EXISTS session_events (
    -- the event
    source_id         VARCHAR   NOT NULL,
    message_id        VARCHAR   NOT NULL,
    message_hash      BIGINT    NOT NULL, -- 63 bits of source and message id: finds copies without scanning text
    visitor_id        VARCHAR   NOT NULL, -- whose sessions: anonymousId, else 'user:<userId>', else 'event:<messageId>'
    visitor_hash      BIGINT    NOT NULL, -- 63 bits of source and visitor: sorts and joins faster than text
    anonymous_id      VARCHAR,            -- as sent
    user_id           VARCHAR,            -- as sent with this event ("user at event"); '' counts as none
    type              VARCHAR   NOT NULL, -- identify, track, page, screen, group, alias
    name              VARCHAR,            -- track: the event; page, screen: the name
    event_time        TIMESTAMP NOT NULL, -- when it happened, device clock corrected
    received_at       TIMESTAMP NOT NULL, -- when the server got it
    sent_at           TIMESTAMP,          -- as the device's clock said; with original_time: the skew
    original_time     TIMESTAMP,          -- as the device's clock said, uncorrected
    -- its session, as the SDK said
    sdk_session_id    VARCHAR,            -- the text of context.sessionId as sent, 'null' for null; NULL if absent
    sdk_session_start BOOLEAN,            -- context.sessionStart as sent
    sdk_session_no    BIGINT,             -- the same id as a number: epoch ms; a negative hash where it is no number; NULL if unusable
    id_fault          VARCHAR,            -- why it is unusable: null, negative, zero, short, type, garbage; NULL if it is usable or absent
    -- its session, as we say (renewed when events of the session arrive)
    session_key       VARCHAR,            -- sessions.session_key
    event_index       INTEGER,            -- 1, 2, … within the session, by (event_time, received_at, message_id)
    gap               DOUBLE,             -- seconds since the event before it in the session; NULL for the first
    -- what it is
    is_view           BOOLEAN   NOT NULL, -- page or screen
    is_activity       BOOLEAN   NOT NULL, -- counts for start and end: every call but those with properties.nonInteraction
    is_conversion     BOOLEAN   NOT NULL, -- its name is one of the configured conversions
    is_click          BOOLEAN   NOT NULL, -- a click or tap, by name
    is_error          BOOLEAN   NOT NULL, -- an error event, by name
    is_fatal          BOOLEAN   NOT NULL, -- a crash
    engaged_ms        BIGINT,             -- time on page or in the foreground that the SDK itself measured
    target            VARCHAR,            -- what was clicked, or the form, where the properties say so
    revenue           DOUBLE,             -- properties.revenue, else total, else value
    -- where
    node              VARCHAR,            -- the step of a journey: normalised host and path, screen name, or event name
    url               VARCHAR,
    host              VARCHAR,            -- lower case, no www.
    path              VARCHAR,
    title             VARCHAR,
    referrer          VARCHAR,            -- of the page as sent
    referrer_host     VARCHAR,            -- lower case, no www.; NULL when it is the page's own host
    utm_source        VARCHAR,
    utm_medium        VARCHAR,
    utm_campaign      VARCHAR,
    utm_term          VARCHAR,
    utm_content       VARCHAR,
    click_id          VARCHAR,            -- its value
    click_id_type     VARCHAR,            -- gclid, gad_source, msclkid, fbclid, ttclid, …
    channel           VARCHAR   NOT NULL, -- the channel of a session that lands with this event
    -- on what
    platform          VARCHAR,            -- web, android, ios, server, …
    device            VARCHAR,            -- desktop, mobile, tablet, tv, other
    device_model      VARCHAR,
    os                VARCHAR,
    os_version        VARCHAR,
    browser           VARCHAR,
    browser_version   VARCHAR,            -- major
    app               VARCHAR,
    app_version       VARCHAR,
    library           VARCHAR,            -- name/version of the SDK
    locale            VARCHAR,
    timezone          VARCHAR,
    country           VARCHAR,            -- only if the event carries it (enrichment)
    traffic_class     VARCHAR   NOT NULL, -- human, bot, ai_agent
    properties        VARCHAR             -- JSON text of properties (identify: traits), cut when longer than 8 KB
);

-- name: create_sessions
CREATE TABLE IF NOT EXISTS sessions (
    session_key       VARCHAR   NOT NULL, -- 16 hex digits, from (source_id, visitor_id, id, part)
    source_id         VARCHAR   NOT NULL,
    visitor_id        VARCHAR   NOT NULL, -- see session_events
    visitor_hash      BIGINT    NOT NULL,
    anonymous_id      VARCHAR,
    user_id           VARCHAR,            -- the last one known in the session (unstitched)
    person            VARCHAR   NOT NULL, -- stitched: user_id, else the user known before or next on this device, else the visitor_id
    session_id        BIGINT    NOT NULL, -- epoch ms: the SDK's id normalised, or the start where it has none
    session_no        BIGINT    NOT NULL, -- the id that makes the key: session_events.sdk_session_no; -1 - start ms where inferred
    sdk_session_id    VARCHAR,            -- the text as sent; NULL for inferred sessions
    part              INTEGER   NOT NULL, -- 1, 2, … of a session id that had to be split
    start_time        TIMESTAMP NOT NULL, -- first and last activity (of any event where none is activity)
    end_time          TIMESTAMP NOT NULL,
    duration          DOUBLE    NOT NULL, -- seconds
    engaged           DOUBLE    NOT NULL, -- seconds of engaged time
    engaged_estimated BOOLEAN   NOT NULL, -- from gaps of at most 60 s, since the SDK measured nothing
    first_event_time  TIMESTAMP NOT NULL, -- first and last of all events
    last_event_time   TIMESTAMP NOT NULL,
    events            INTEGER   NOT NULL, -- all events
    activities        INTEGER   NOT NULL, -- page, screen and track events that count as activity
    views             INTEGER   NOT NULL, -- page and screen events
    conversions       INTEGER   NOT NULL,
    errors            INTEGER   NOT NULL,
    revenue           DOUBLE    NOT NULL, -- sum over conversion events
    entry_page        VARCHAR,            -- node of the first and last view (else event with a url)
    exit_page         VARCHAR,
    landing_url       VARCHAR,            -- of the entry view
    referrer          VARCHAR,
    referrer_host     VARCHAR,
    utm_source        VARCHAR,            -- of the first event of the session that has any UTM or click id
    utm_medium        VARCHAR,
    utm_campaign      VARCHAR,
    utm_term          VARCHAR,
    utm_content       VARCHAR,
    click_id          VARCHAR,
    click_id_type     VARCHAR,
    channel           VARCHAR   NOT NULL, -- one of the 20 channels
    session_number    INTEGER   NOT NULL, -- rank by start among the visitor's, from 1
    person_session_number INTEGER NOT NULL, -- rank by start among the person's, over all sources
    previous_session_key VARCHAR,         -- the visitor's session with the next lower number
    is_new            BOOLEAN   NOT NULL, -- session_number = 1
    start_reason      VARCHAR   NOT NULL, -- first_event, timeout, cut_off, manual, reset, user_change, split, inferred
    end_reason        VARCHAR   NOT NULL, -- timeout (also: nothing followed; open while now <= open_until), cut_off, manual, reset, user_change, split
    provenance        VARCHAR   NOT NULL, -- sdk, inferred (no id), repaired (see repairs)
    repairs           VARCHAR,            -- comma-separated: id_null, id_negative, … (see id_fault), id_joined, split_gap, split_length, split_user, siblings_merged, start_flag_missing
    revision          INTEGER   NOT NULL, -- 1 + arrivals of late events (distinct times of reception)
    late_events       INTEGER   NOT NULL,
    received_until    TIMESTAMP NOT NULL, -- reception of its last event
    open_until        TIMESTAMP NOT NULL, -- end + timeout: open while now <= this
    final_after       TIMESTAMP NOT NULL, -- end + timeout + 3 days of allowed lateness: final once now > this
    state             VARCHAR   NOT NULL, -- ok, errored, crashed
    is_engaged        BOOLEAN   NOT NULL, -- engaged >= 10 s, or views >= 2, or a conversion
    is_counted        BOOLEAN   NOT NULL, -- has a view or activity: counts for engagement and bounce rate
    is_bounce         BOOLEAN   NOT NULL, -- counted and not engaged
    is_classic_bounce BOOLEAN   NOT NULL, -- exactly one view and no other activity
    traffic_class     VARCHAR   NOT NULL, -- human, bot, ai_agent
    platform          VARCHAR,            -- these: of its first event that says
    device            VARCHAR,
    os                VARCHAR,
    os_version        VARCHAR,
    browser           VARCHAR,
    browser_version   VARCHAR,
    app_version       VARCHAR,
    locale            VARCHAR,
    country           VARCHAR
);

-- name: create_session_policies
-- What sessions were made with: the rules of each source in force. Changing them means redefining
-- history, so they are kept beside it.
CREATE TABLE IF NOT EXISTS session_policies (
    source_id         VARCHAR   PRIMARY KEY,
    platform          VARCHAR   NOT NULL,
    timeout_ms        BIGINT    NOT NULL,
    max_length_ms     BIGINT    NOT NULL
);
