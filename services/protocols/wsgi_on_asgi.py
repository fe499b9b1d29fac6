"""The bare WSGI application on an ASGI server, through a2wsgi: eight threads of its own call it for the event loop."""

from a2wsgi import WSGIMiddleware

from protocols.wsgi import application as wsgi

application = WSGIMiddleware(wsgi, workers=8)  # type: ignore[arg-type]  # its environ has keys of its own
