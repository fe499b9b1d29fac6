"""The claims of the article that the lab began with, on WebSocket and HTTP/2."""

from lab.experiments.model import ARTICLE, Arm, Contrast, Experiment, Load, Setup, rows
from lab.experiments.outcomes import Rule
from lab.experiments.sentences import alike, because, better, measured, sentence, worse

# A geometric mean of eights is 8 but for its last digit.
ONE_EACH = because("On threads each open socket keeps one", measured("held", "flask", least=7.9, most=8.1))

PROTOCOL_CLAIMS = (
    Experiment(
        name="websocket-word",
        title="WebSocket: who has a word for it",
        claim="ASGI supports WebSocket; WSGI does not.",
        source=ARTICLE,
        method="A client asks for a WebSocket and echoes a message, or is told that there is none (501): with how many "
        "protocols does a row speak, HTTP/1.1 alone or both? The specification of ASGI has a scope for WebSocket, that "
        "of WSGI has none; gunicorn hands its socket to an application of WSGI that asks for it, as this one does. "
        "What uWSGI has of its own is not tried: its handshake needs a build with TLS, which its wheel is not.",
        held_equal="the same client, the same application on each server",
        not_so_if="an application of WSGI speaks as many",
        arms=tuple(
            Arm(row, reconnects=True)
            for row in (
                *("flask", "flask-gevent", "flask-granian", "flask-uwsgi"),
                *("fastapi", "fastapi-granian", "fastapi-gunicorn"),
            )
        ),
        contrasts=(
            Contrast("fastapi-gunicorn", "flask", "protocols", server="gunicorn"),
            Contrast("fastapi-granian", "flask-granian", "protocols", server="granian"),
            Contrast("fastapi", "flask-gevent", "protocols", decides=False),
            Contrast("fastapi", "flask-uwsgi", "protocols", decides=False),
        ),
        sentences=(
            sentence(
                "On ASGI every server spoke WebSocket. On WSGI it was up to the server: on gunicorn Flask spoke it as "
                "much, on threads and on greenlets; on granian and uWSGI it did not speak it.",
                alike("fastapi-gunicorn", "flask"),
                better("fastapi-granian", "flask-granian"),
                alike("fastapi", "flask-gevent", figure="protocols"),
                better("fastapi", "flask-uwsgi", figure="protocols"),
            ),
            sentence(
                "On gunicorn Flask spoke WebSocket as much as FastAPI did. On granian FastAPI spoke more.",
                alike("fastapi-gunicorn", "flask"),
                better("fastapi-granian", "flask-granian"),
            ),
        ),
        load=Load("WebSocketOffer", 2, seconds=0.6, least_s=0.6, protocol="HTTP/1.1, WS"),
        rule=Rule.EVERY_SERVER,
    ),
    Experiment(
        name="websocket",
        title="Open WebSockets",
        claim="ASGI supports WebSocket; WSGI does not.",
        source=ARTICLE,
        method="Clients open WebSockets and keep them; on threads, each keeps one. How many does a row hold, and with "
        "how much memory?",
        held_equal="the same clients; a second to open",
        not_so_if="a WSGI row holds as many",
        arms=rows("flask", "flask-200", "flask-gevent", "fastapi", "fastapi-granian", "fastapi-gunicorn"),
        contrasts=(
            Contrast("fastapi", "flask", "held", setup=Setup.AS_IT_COMES),
            Contrast("fastapi", "flask-200", "held", setup=Setup.TUNED),
            Contrast("fastapi", "flask-gevent", "held"),
            *(Contrast(row, "fastapi", "held", decides=False) for row in ("fastapi-granian", "fastapi-gunicorn")),
            Contrast("fastapi", "flask-gevent", "memory_mib", decides=False),
        ),
        sentences=(
            sentence(
                "FastAPI held more WebSockets than Flask on 8 threads, and with 1,000 clients more than on 200 "
                "threads. While 200 threads were enough Flask held as many, and on greenlets with 1,000, too.",
                better("fastapi", "flask"),
                alike("fastapi", "flask-200", at=("100",)),
                better("fastapi", "flask-200", at=("1000",)),
                alike("fastapi", "flask-gevent"),
                because=ONE_EACH,
            ),
            sentence(
                "FastAPI held more WebSockets than Flask on 8 threads. On 200 threads, or on greenlets, Flask held as "
                "many.",
                better("fastapi", "flask", at=("100",)),
                alike("fastapi", "flask-200", "flask-gevent", at=("100",)),
                because=ONE_EACH,
            ),
            sentence(
                "FastAPI held more WebSockets than Flask, on 8 and 200 threads and on greenlets.",
                better("fastapi", "flask", "flask-200", "flask-gevent"),
            ),
        ),
        load=Load("WebSocketIdle", seconds=0.5, least_s=0.5, options={"open_s": 1, "heartbeat_s": 5}, protocol="WS"),
        varied="clients",
        levels={str(n): {"users": n, "warm_up": 1.3 + n / 500} for n in (100, 1000)},
        quick=("100",),
    ),
    Experiment(
        name="websocket-many",
        title="Ten thousand WebSockets",
        claim="ASGI supports WebSocket; WSGI does not.",
        source=ARTICLE,
        method="10,000 clients open a WebSocket within 20 s and keep it, on greenlets and on an event loop. (A pool of "
        "8 threads holds 8, however many come.) How many does a row hold, and with how much memory?",
        held_equal="the same clients, one worker each",
        not_so_if="the WSGI row holds as many",
        arms=rows("flask-gevent", "fastapi"),
        contrasts=(
            Contrast("fastapi", "flask-gevent", "held"),
            Contrast("fastapi", "flask-gevent", "memory_mib", decides=False),
        ),
        sentences=(
            sentence(
                "Of ten thousand WebSockets Flask on greenlets held as many as FastAPI.",
                alike("fastapi", "flask-gevent"),
            ),
            sentence(
                "Of ten thousand WebSockets FastAPI held more than Flask on greenlets.",
                better("fastapi", "flask-gevent"),
            ),
            sentence(
                "Of ten thousand WebSockets FastAPI held fewer than Flask on greenlets.",
                worse("fastapi", "flask-gevent"),
            ),
        ),
        load=Load(
            "WebSocketIdle",
            10_000,
            seconds=3.0,
            least_s=3.0,
            warm_up=20.0,
            options={"open_s": 40, "heartbeat_s": 60},
            protocol="WS",
        ),
    ),
    Experiment(
        name="http2",
        title="HTTP/2: who speaks it",
        claim="ASGI supports HTTP/2; WSGI does not.",
        source=ARTICLE,
        method="A client asks every row over HTTP/2, through nginx, in which version of HTTP the application itself "
        "was asked. nginx speaks HTTP/2 with a row whose server is set up for it: granian and gunicorn with either "
        "interface, and uvicorn, whose own HTTP/2 is an experiment.",
        held_equal="the client's hop is nginx's and the same for all, HTTP/2 over TLS",
        not_so_if="on one and the same server an application of WSGI is asked in the same version",
        arms=rows("flask", "flask-http2", "fastapi", "fastapi-http2", "fastapi-gunicorn")
        + rows("wsgi-http2", "asgi-gunicorn-http2", "asgi-http2"),
        contrasts=(
            Contrast("asgi-gunicorn-http2", "wsgi-http2", "app_http", server="gunicorn"),
            Contrast("fastapi-http2", "flask-http2", "app_http", server="granian"),
            Contrast("asgi-http2", "flask-http2", "app_http", decides=False),
            Contrast("wsgi-http2", "flask-http2", "app_http", decides=False),
            Contrast("flask-http2", "fastapi", "app_http", decides=False),
            Contrast("fastapi-gunicorn", "flask", "app_http", decides=False),
        ),
        sentences=(
            sentence(
                "A client reached every row over HTTP/2: nginx speaks it. Behind nginx the interface made no "
                "difference: on granian Flask was asked in HTTP/2 as FastAPI was, and on gunicorn a bare application "
                "of WSGI as one of ASGI was. uvicorn's own HTTP/2, an experiment, reached a bare application of ASGI, "
                "too. Where gunicorn is not set up for HTTP/2, FastAPI was asked in the same version as Flask.",
                alike("asgi-gunicorn-http2", "wsgi-http2"),
                alike("fastapi-http2", "flask-http2"),
                alike("asgi-http2", "flask-http2", figure="app_http"),
                alike("wsgi-http2", "flask-http2", figure="app_http"),
                alike("fastapi-gunicorn", "flask", figure="app_http"),
                better("flask-http2", "fastapi", figure="app_http"),
                because=because(
                    "The version that each application saw",
                    measured(
                        "app_http",
                        *("flask", "flask-http2", "fastapi", "fastapi-http2"),
                        *("wsgi-http2", "asgi-gunicorn-http2", "asgi-http2"),
                    ),
                ),
            ),
            sentence(
                "On one and the same server the interface made no difference to the version in which an application "
                "was asked.",
                alike("asgi-gunicorn-http2", "wsgi-http2"),
                alike("fastapi-http2", "flask-http2"),
            ),
        ),
        load=Load("Hops", 2, seconds=0.6, least_s=0.6, options={"path": "gateway"}, protocol="HTTP/2"),
        rule=Rule.EVERY_SERVER,
    ),
)
