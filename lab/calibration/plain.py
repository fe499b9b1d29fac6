"""The least app with two routes, as each framework's documentation begins: what the lab's services are held against."""

import asyncio
import time
from typing import Annotated

from fastapi import FastAPI, Query
from flask import Flask, request


def flask_app() -> Flask:
    app = Flask(__name__)

    @app.get("/health")
    @app.get("/json")
    def greeting() -> dict[str, str]:
        return {"message": "Hello, World!"}

    @app.get("/wait")
    def wait() -> dict[str, int]:
        ms = request.args.get("ms", 100, type=int)
        time.sleep(ms / 1000)
        return {"waited_ms": ms}

    return app


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.get("/health")
    @app.get("/json")
    async def greeting() -> dict[str, str]:
        return {"message": "Hello, World!"}

    @app.get("/wait")
    async def wait(ms: Annotated[int, Query(ge=0, le=10_000)] = 100) -> dict[str, int]:
        await asyncio.sleep(ms / 1000)
        return {"waited_ms": ms}

    return app
