from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sojourn.console import ConsoleSettings

PAGES = (
    "/",
    "/breakdown",
    "/breakdown/card?by=os",
    "/live",
    "/live/stream",
    "/sources/stream",
    "/sessions",
    "/sessions/nope",
    "/journeys",
    "/journeys/table",
    "/journeys/transitions",
    "/funnels",
    "/retention",
    "/problems",
    "/problems/strip",
    "/sources",
    "/sources/differences",
    "/destinations",
    "/warehouse",
    "/settings",
)
STREAMS = {"/live/stream", "/sources/stream"}
CALLS = ("/api/reports", "/api/reports/overview", "/api/reports/overview.csv", "/api/status",
         "/api/openapi.json")  # fmt: skip
FORMS = (
    ("/saved/funnels", {"name": "mine", "parameter.steps": "a,b"}),
    ("/saved/segments", {"name": "mine", "parameter.channel": "Email"}),
    ("/saved/import", {"toml": "[segments.x]\nchannel = 'Email'"}),
    ("/problems/abc", {"text": "seen", "muted": "yes"}),
    ("/settings/accounts", {"name": "eve", "role": "admin"}),
    ("/settings/accounts/admin", {"what": "password"}),
    ("/settings/tokens", {"name": "t", "scope": "admin"}),
    ("/settings/tokens/t", {}),
    ("/operations/replay", {"destination": "hook"}),
)


def test_a_stranger_sees_nothing(closed: Any) -> None:
    with closed.client() as stranger:
        for path in PAGES:
            answer = stranger.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login?next=")
            assert answer.text == ""
        for path in CALLS:
            answer = stranger.get(path)
            assert answer.status_code == 401, path
            assert "log in" in answer.json()["error"]
        for path, fields in FORMS:
            assert stranger.post(path, data=fields).status_code == 401, path


def test_an_admin_sees_every_page(admin: httpx.Client) -> None:
    for path in (*PAGES, *CALLS):
        if path not in {*STREAMS, "/sessions/nope"}:
            assert admin.get(path).status_code == 200, path


def test_a_viewer_cannot_change_anything(closed: Any, viewer: httpx.Client) -> None:
    before = closed.console.saved.export_toml(), closed.console.accounts.all()
    token = viewer.token("/")
    for path, fields in FORMS:
        answer = viewer.post(path, data={**fields, "csrf": token})
        assert answer.status_code == 403, path
        assert "ask" in answer.text
    assert (closed.console.saved.export_toml(), closed.console.accounts.all()) == before
    assert closed.console.accounts.tokens() == []
    assert closed.done == []


def test_write_keys_are_for_admins_to_see(admin: httpx.Client, viewer: httpx.Client) -> None:
    assert "secret-key-1" in admin.get("/sources").text
    for path in (*PAGES, *CALLS):
        if path not in STREAMS:
            assert "secret-key-1" not in viewer.get(path).text, path


def test_a_stolen_cookie_is_worthless_at_another_host(closed: Any, admin: httpx.Client) -> None:
    cookie = admin.cookies["sojourn_login"]
    with closed.client() as thief:
        thief.cookies.set("sojourn_login", cookie)
        assert thief.get("/api/status").status_code == 200
        assert thief.get("/api/status", headers={"Host": "evil.example"}).status_code == 401


def test_a_forged_or_altered_cookie_is_worthless(closed: Any, admin: httpx.Client) -> None:
    cookie = admin.cookies["sojourn_login"]
    for forged in (cookie[:-2], cookie[1:], "", "x.y", "e30." + cookie.split(".", 1)[1]):
        with closed.client() as thief:
            thief.cookies.set("sojourn_login", forged)
            assert thief.get("/api/status").status_code == 401


def test_logging_out_ends_the_login_for_copies_of_the_cookie_too(closed: Any) -> None:
    with closed.log_in("admin", closed.password) as one, closed.client() as copy:
        copy.cookies.set("sojourn_login", one.cookies["sojourn_login"])
        assert copy.get("/api/status").status_code == 200
        one.post("/logout", data={"csrf": one.token("/")})
        assert one.get("/api/status").status_code == 401
        assert copy.get("/api/status").status_code == 401


def test_a_new_password_ends_the_logins_of_the_old(closed: Any) -> None:
    password = closed.console.accounts.add("walt", "viewer")
    with closed.log_in("walt", password) as walt:
        assert walt.get("/api/status").status_code == 200
        closed.console.accounts.set_password("walt")
        assert walt.get("/api/status").status_code == 401
    closed.console.accounts.remove("walt")


def test_people_change_their_own_password_and_nobody_elses(closed: Any) -> None:
    password = closed.console.accounts.add("walt", "viewer")
    with closed.log_in("walt", password) as walt:
        token = walt.token("/settings")
        wrong = {"password": "x", "new": "a new password", "csrf": token}
        assert walt.post("/password", data=wrong).status_code == 400
        short = {"password": password, "new": "short", "csrf": token}
        assert walt.post("/password", data=short).status_code == 400
        right = {"password": password, "new": "a new password", "csrf": token}
        assert walt.post("/password", data=right).status_code == 303
        assert walt.get("/api/status").status_code == 401
    with closed.log_in("walt", "a new password") as walt:
        assert walt.get("/api/status").status_code == 200
    closed.console.accounts.remove("walt")


def test_a_login_ends_when_its_time_is_over(closed: Any, admin: httpx.Client) -> None:
    before = closed.clock.ms
    try:
        closed.clock.ms += ConsoleSettings().signed_in_for_s * 1000 + 1
        assert admin.get("/api/status").status_code == 401
    finally:
        closed.clock.ms = before
    assert admin.get("/api/status").status_code == 200


def test_the_cookie_is_for_this_host_and_not_for_scripts(closed: Any) -> None:
    with closed.client() as one:
        fields = {"name": "admin", "password": closed.password, "csrf": one.token()}
        header = one.post("/login", data=fields).headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=lax" in header
    assert "domain=" not in header


def test_forms_need_their_token_and_come_from_this_site(closed: Any, admin: httpx.Client) -> None:
    fields = {"name": "x", "parameter.steps": "a,b"}
    assert admin.post("/saved/funnels", data=fields).status_code == 403
    token = admin.token("/")
    wrong = {**fields, "csrf": token[:-1] + ("0" if token[-1] != "0" else "1")}
    assert admin.post("/saved/funnels", data=wrong).status_code == 403
    right = {**fields, "csrf": token}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert admin.post("/saved/funnels", data=right, headers=headers).status_code == 403
    assert closed.console.saved.all("funnels") == {}
    assert admin.post("/saved/funnels", data=right).status_code == 303
    assert closed.console.saved.all("funnels") == {"x": {"steps": "a,b"}}
    remove = {"name": "x", "remove": "yes", "csrf": token}
    assert admin.post("/saved/funnels", data=remove).status_code == 303
    assert closed.console.saved.all("funnels") == {}


def test_a_token_of_another_login_is_refused(admin: httpx.Client, viewer: httpx.Client) -> None:
    fields = {"name": "x", "parameter.steps": "a,b", "csrf": viewer.token("/")}
    assert admin.post("/saved/funnels", data=fields).status_code == 403


def test_a_wrong_password_is_refused_and_ten_of_them_have_to_wait(
    serve_console: Callable[..., Any],
) -> None:
    with serve_console(ConsoleSettings()) as served, served.client() as one:
        fields = {"name": "admin", "password": "wrong", "csrf": one.token()}
        answers = [one.post("/login", data=fields) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        right = {**fields, "password": served.password}
        assert one.post("/login", data=right).status_code == 429


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\/evil", "javascript:alert(1)",
     "/%0d%0aSet-Cookie:x", "/\t/evil.example", ""],
)  # fmt: skip
def test_a_login_never_leads_to_another_site(closed: Any, wanted: str) -> None:
    with closed.client() as one:
        token = one.token()
        fields = {
            "name": "admin", "password": closed.password, "csrf": token, "next": wanted,
        }  # fmt: skip
        where = one.post("/login", data=fields).headers["location"]
    assert where.startswith("/")
    assert not where.startswith("//")
    assert "\\" not in where
    assert "\n" not in where


def test_api_tokens_do_what_their_scope_says_until_they_are_revoked(closed: Any) -> None:
    accounts = closed.console.accounts
    texts = {scope: accounts.add_token(f"of-{scope}", scope, "me") for scope in ("read", "write")}
    with closed.client() as program:
        headers = {scope: {"Authorization": f"Bearer {text}"} for scope, text in texts.items()}
        assert program.get("/api/reports/overview", headers=headers["read"]).status_code == 200
        fields = {"name": "by-token", "parameter.steps": "a,b"}
        refused = program.post("/saved/funnels", data=fields, headers=headers["read"])
        assert refused.status_code == 403
        done = program.post("/saved/funnels", data=fields, headers=headers["write"])
        assert done.status_code == 303
        account = {"name": "eve", "role": "admin"}
        refused = program.post("/settings/accounts", data=account, headers=headers["write"])
        assert refused.status_code == 403
        accounts.revoke_token("of-read")
        assert program.get("/api/status", headers=headers["read"]).status_code == 401
        assert program.get("/api/status", headers={"Authorization": "Bearer x"}).status_code == 401
    accounts.revoke_token("of-write")
    closed.console.saved.remove("funnels", "by-token")


def test_changes_are_in_the_audit_log_with_who_made_them(closed: Any, admin: httpx.Client) -> None:
    token = admin.token("/")
    page = admin.post("/settings/tokens", data={"name": "ci", "scope": "read", "csrf": token}).text
    secret = re.search(r'<code id="secret">(sojourn_[\w-]+)</code>', page)
    assert secret
    admin.post("/operations/replay", data={"destination": "hook", "csrf": token})
    assert closed.done == ["hook"]
    closed.done.clear()
    latest = closed.console.audit.latest(2)
    assert [(one.who, one.action, one.subject) for one in latest] == [
        ("admin", "replay", "hook"),
        ("admin", "added token (read)", "ci"),
    ]
    shown = admin.get("/settings").text
    assert "added token (read)" in shown
    assert secret[1] not in shown
    closed.console.accounts.revoke_token("ci")


def test_open_access_is_for_loopback_under_its_own_name(opened: Any) -> None:
    with opened.client() as local:
        assert local.get("/api/status").status_code == 200
        rebound = local.get("/api/status", headers={"Host": "rebound.example"})
        assert rebound.status_code == 401


def test_a_trusted_proxy_names_the_user_where_it_is_configured(
    closed: Any, serve_console: Callable[..., Any]
) -> None:
    header = {"X-Forwarded-Email": "ann@example.com"}
    with closed.client() as one:
        assert one.get("/api/status", headers=header).status_code == 401
    settings = ConsoleSettings(proxy_user_header="X-Forwarded-Email")
    with serve_console(settings) as served, served.client() as one:
        assert one.get("/api/status", headers=header).status_code == 200
        assert "ann@example.com · viewer" in one.get("/", headers=header).text
        served.console.accounts.add("ann@example.com", "admin")
        assert "ann@example.com · admin" in one.get("/", headers=header).text


def test_every_answer_carries_the_headers_that_keep_others_out(
    closed: Any, admin: httpx.Client
) -> None:
    paths = ("/", "/login", "/static/console.css", "/api/status", "/nope", "/api/nope")
    for path in paths:
        headers = admin.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    with closed.client() as stranger:
        assert "content-security-policy" in stranger.get("/").headers


def test_a_path_that_is_no_page_is_not_found_and_a_post_is_never_sent_to_the_login(
    closed: Any,
) -> None:
    with closed.client() as stranger:
        for path in ("/nope", "/track", "/v2/track"):
            for method in ("GET", "POST"):
                answer = stranger.request(method, path)
                assert (answer.status_code, answer.text) == (404, "404 page not found\n"), path
        assert stranger.post("/settings/tokens").status_code == 401
        assert stranger.get("/settings").status_code == 303
