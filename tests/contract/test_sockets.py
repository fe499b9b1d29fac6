"""What Flask adds to simple-websocket, seen from a handler."""

from threading import Event


class Connection:
    """As simple-websocket's: it wakes the handler before it notes that the client is gone."""

    def __init__(self) -> None:
        self.connected = True
        self.event = Event()

    def read(self) -> None:
        self.event.set()
        self.event.clear()  # the handler was quick: it found itself connected, and waits again


def test_a_handler_is_woken_once_more_when_its_connection_is_noted_as_gone() -> None:
    from flask_service.sockets import receiver

    connection = Connection()
    thread = receiver(connection.read)
    thread.start()
    assert connection.event.wait(timeout=20)
    assert not connection.connected
    thread.join()
