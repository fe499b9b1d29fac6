"""uvicorn's worker for gunicorn as a plain `pip install uvicorn` has it: no httptools, no uvloop, no WebSockets."""

from uvicorn.workers import UvicornH11Worker


class PlainWorker(UvicornH11Worker):
    CONFIG_KWARGS = UvicornH11Worker.CONFIG_KWARGS | {"ws": "none"}
