"""What clients do: one user class per scenario."""

from locust import User

from loadtest.users.page import Hops, PageHttp1, PageHttp2
from loadtest.users.requests import Cpu, DbRead, DbWrite, Echo, Json, Mix, Plaintext, Reload, Wait
from loadtest.users.slow import EventStream, Impatient, SlowReader, SlowUpload
from loadtest.users.websocket import Broadcast, WebSocketEcho, WebSocketIdle, WebSocketOffer

SCENARIOS: dict[str, type[User]] = {
    user.__name__: user
    for user in (
        Json,
        Plaintext,
        Wait,
        DbRead,
        DbWrite,
        Cpu,
        Echo,
        Mix,
        Reload,
        WebSocketEcho,
        WebSocketIdle,
        WebSocketOffer,
        Broadcast,
        EventStream,
        SlowUpload,
        SlowReader,
        Impatient,
        PageHttp2,
        PageHttp1,
        Hops,
    )
}
