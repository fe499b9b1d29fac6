"""Who may use Locust's web UI: its own pages, under its own names, and a network only with a login."""

import pytest
from werkzeug.test import TestResponse

from tests.unit.loadtest.web_ui import FORM, OWN_PAGE, WebUI

pytestmark = pytest.mark.usefixtures("ui_rows")


@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset", "/user"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Referer": "http://evil.example/localhost:8089"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_changes_nothing(ui: WebUI, path: str, headers: dict[str, str]) -> None:
    response = ui.client.post(path, data=FORM, headers=headers)
    assert (response.status_code, ui.started) == (403, [])
    assert "its own pages only" in response.text


@pytest.mark.parametrize(
    "headers", [OWN_PAGE, {"Referer": "http://localhost/?tab=compare"}, {"Sec-Fetch-Site": "same-origin"}, {}]
)
def test_its_own_page_and_the_command_line_may_start_a_test(ui: WebUI, headers: dict[str, str]) -> None:
    assert ui.client.post("/swarm", data=FORM, headers=headers).json["success"]  # type: ignore[index]  # JSON, or it fails


def test_not_even_its_own_page_may_change_the_users_of_later_tests(ui: WebUI) -> None:
    (user, *_) = ui.environment.user_classes
    change = {"user_class_name": user.__name__, "fixed_count": 1, "tasks": [], "host": "http://evil.example"}
    before = user.json()
    assert ui.client.post("/user", json=change, headers=OWN_PAGE).status_code == 403
    assert user.json() == before


@pytest.mark.parametrize("path", ["/", "/stats/requests", "/compare/figures", "/nowhere"])
def test_no_foreign_page_may_read_or_frame_it(ui: WebUI, path: str) -> None:
    headers = ui.client.get(path, headers={"Origin": "http://evil.example"}).headers
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'self'"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9", 200),
        ("127.0.0.1", 200),
        ("[::1]:8089", 200),
        ("evil.example:8089", 403),
        ("localhost.evil", 403),
    ],
)
def test_a_name_that_is_not_this_machine_is_refused(ui: WebUI, host: str, status: int) -> None:
    assert ui.client.get("/", headers={"Host": host}).status_code == status


FORWARDED = "name-8089.app.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8089", "Origin": f"https://{FORWARDED}"},  # as a forwarded port rewrites it
        {"Host": FORWARDED, "Origin": f"https://{FORWARDED}"},
        {"Host": "localhost:8089", "Referer": f"https://{FORWARDED}/?tab=compare"},
        {"Host": "localhost:8089", "Origin": "http://localhost:8089"},
    ],
)
def test_a_trusted_name_may_start_a_test_whatever_is_forwarded(
    ui: WebUI, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    monkeypatch.setenv("LOCUST_TRUSTED", f"name-8443.app.example, {FORWARDED}")
    assert ui.client.get("/", headers={"Host": headers["Host"]}).status_code == 200
    assert ui.client.post("/swarm", data=FORM, headers=headers).json["success"]  # type: ignore[index]  # JSON, or it fails


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8089", "Origin": "https://other-8089.app.example"},
        {"Host": "localhost:8089", "Origin": f"https://{FORWARDED}.evil.example"},
        {"Host": "localhost:8089", "Origin": f"https://evil.example/{FORWARDED}"},
        {"Host": "evil.example", "Origin": f"https://{FORWARDED}"},
        {"Host": "localhost:8089", "Origin": "null"},
    ],
)
def test_beside_a_trusted_name_every_other_is_refused_as_before(
    ui: WebUI, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    monkeypatch.setenv("LOCUST_TRUSTED", FORWARDED)
    assert ui.client.post("/swarm", data=FORM, headers=headers).status_code == 403
    assert ui.started == []


def test_it_does_not_start_open_to_a_network_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("", "0.0.0.0", "192.168.1.7"):  # noqa: S104  (nothing is bound)
        with pytest.raises(SystemExit, match="for anybody"):
            WebUI(monkeypatch, "--web-host", host)
    monkeypatch.setenv("LOCUST_PUBLISHED_ON", "127.0.0.1")  # as a container on loopback says
    WebUI(monkeypatch, "--web-host", "0.0.0.0").close()  # noqa: S104  (nothing is bound)


def test_a_login_needs_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_UI_PASSWORD", raising=False)
    with pytest.raises(SystemExit, match="set LAB_UI_PASSWORD"):
        WebUI(monkeypatch, "--web-login")


def test_behind_a_login_only_the_password_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_UI_PASSWORD", "grün & gold")
    ui = WebUI(monkeypatch, "--web-host", "0.0.0.0", "--web-login")  # noqa: S104  (nothing is bound)

    def statuses() -> set[int]:
        reads = ("/", "/compare", "/compare/figures", "/compare/rows", "/stats/requests", "/logs")
        return {ui.client.get(path, buffered=True).status_code for path in reads}

    def log_in(password: str, user: str = "lab") -> TestResponse:
        return ui.client.post("/login/check", data={"username": user, "password": password}, headers=OWN_PAGE)

    assert statuses() == {302}
    assert [ui.client.post(path, data=FORM).status_code for path in ("/swarm", "/stop", "/stats/reset")] == [302] * 3
    assert log_in("wrong").location.endswith("/login")
    assert "not the user and password" in ui.client.get("/login").text
    assert log_in("grün & gold", "root").location.endswith("/login")
    assert statuses() == {302}
    assert log_in("grün & gold").location == "/"
    assert statuses() == {200}
    assert ui.swarm().json["success"]  # type: ignore[index]  # JSON, or it fails
    ui.close()
