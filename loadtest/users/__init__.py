"""What clients do: one user class per kind of request."""

from loadtest.users.requests import Cpu, DbRead, DbWrite, Echo, Json, Plaintext, Wait
from loadtest.users.websocket import WebSocketEcho

USERS = [Plaintext, Json, Wait, DbRead, DbWrite, Cpu, Echo, WebSocketEcho]
