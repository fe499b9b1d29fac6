"""What clients do: one user class per scenario."""

from locust import User

from loadtest.users.page import PageHttp1, PageHttp2
from loadtest.users.requests import Cpu, DbRead, DbWrite, Echo, Json, Mix, Plaintext, Wait
from loadtest.users.slow import EventStream, Impatient, SlowReader, SlowUpload
from loadtest.users.websocket import Broadcast, WebSocketEcho, WebSocketIdle

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
        WebSocketEcho,
        WebSocketIdle,
        Broadcast,
        EventStream,
        SlowUpload,
        SlowReader,
        Impatient,
        PageHttp2,
        PageHttp1,
    )
}
