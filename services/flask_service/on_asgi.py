"""The Flask service on an ASGI server, through a2wsgi: eight threads of its own call it for the event loop."""

from a2wsgi import WSGIMiddleware

from flask_service import create_app

application = WSGIMiddleware(create_app(), workers=8)  # type: ignore[arg-type]  # its environ has keys of its own
