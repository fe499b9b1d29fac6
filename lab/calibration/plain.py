"""The least app with three routes, as each framework's documentation begins: what our services are held against."""

import asyncio
import time
from typing import Annotated

from fastapi import FastAPI, Query
from flask import Flask, request
from pydantic import BaseModel


class Message(BaseModel):
    message: str


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

    @app.post("/echo")
    def echo() -> dict[str, str]:
        return {"message": request.get_json()["message"]}

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

    @app.post("/echo")
    async def echo(message: Message) -> Message:
        return message

    return app
