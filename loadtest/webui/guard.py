"""Who may use the web UI: its own pages and the command line, not a foreign web page, and a network only with a login.

Locust allows every origin: without this, any page in a browser could start a test.
"""

import hmac
import ipaddress
import os
import secrets
from urllib.parse import urlsplit

import gevent
from flask import Blueprint, Response, abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user
from locust.web import WebUI

READS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def lock(web_ui: WebUI, lab: Blueprint) -> None:
    assert web_ui.app
    if web_ui.web_login:
        add_login(web_ui, lab)
    elif not is_local(web_ui.host) and not is_local(os.environ.get("LOCUST_PUBLISHED_ON")):
        raise SystemExit(
            f"Locust's web UI would listen on {web_ui.host or 'every interface'} for anybody: "
            "give --web-host 127.0.0.1, or --web-login with LAB_UI_USER and LAB_UI_PASSWORD"
        )

    @web_ui.app.before_request
    def refuse_foreigners() -> None:
        # A foreign name for this address may be DNS rebinding; behind a login it has no session to use.
        host = urlsplit(f"//{request.host}").hostname
        if not web_ui.web_login and not is_local(host) and host not in trusted():
            abort(403, f"This web UI answers to localhost and TRUSTED_HOST, not to {request.host!r}.")
        if request.method not in READS and not is_own_page():
            abort(403, "This web UI takes requests from its own pages only.")
        if request.endpoint == "locust.update_user":  # it changes the rows' users for good, and no page of ours asks it
            abort(403, "The users of the rows are not for the web UI to change: choose a scenario instead.")

    def set_headers(response: Response) -> Response:
        response.headers.pop("Access-Control-Allow-Origin", None)
        response.headers.update(HEADERS)
        return response

    # Flask runs these from the last to the first, and Locust's CORS headers must be there to be removed.
    web_ui.app.after_request_funcs.setdefault(None, []).insert(0, set_headers)


def is_local(host: str | None) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def trusted() -> list[str]:
    """Further names of this machine: a forwarded port has another in the browser than here."""
    return [name.strip() for name in os.environ.get("LOCUST_TRUSTED", "").split(",") if name.strip()]


def is_own_page() -> bool:
    """Whether the request comes from a page of this UI, or from no page at all, as curl's do."""
    for header in ("Origin", "Referer"):
        if value := request.headers.get(header):
            page = urlsplit(value)
            return page.netloc == request.host or page.hostname in trusted()
    return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")


class Person:
    """The one who knows the password, as Flask-Login wants to see it."""

    is_authenticated = is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return "lab"


def add_login(web_ui: WebUI, lab: Blueprint) -> None:
    user, password = os.environ.get("LAB_UI_USER", "lab"), os.environ.get("LAB_UI_PASSWORD", "")
    if not password:
        raise SystemExit("--web-login needs a password: set LAB_UI_PASSWORD (and LAB_UI_USER, unless `lab` will do)")
    app = web_ui.app
    assert app
    app.secret_key = secrets.token_bytes(32)  # a restart ends every session
    app.config.update(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_NAME=f"lab-{web_ui.port}")
    web_ui.login_manager.user_loader(lambda identity: Person())
    web_ui.auth_args = {"username_password_callback": "./login/check"}

    @lab.post("/login/check")
    def check_login() -> ResponseReturnValue:
        given = request.form.get("username", ""), request.form.get("password", "")
        right = [hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(given, (user, password), strict=True)]
        if not all(right):
            gevent.sleep(1)  # guessing takes time
            session["auth_error"] = "That is not the user and password."
            return redirect(url_for("locust.login"))
        session["auth_error"] = None
        login_user(Person())
        return redirect(url_for("locust.index"))
