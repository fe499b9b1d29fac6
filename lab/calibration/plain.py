"""The least app with one route, as each framework's documentation begins: what the lab's services are held against."""

from fastapi import FastAPI
from flask import Flask


def flask_app() -> Flask:
    app = Flask(__name__)

    @app.get("/health")
    @app.get("/json")
    def greeting() -> dict[str, str]:
        return {"message": "Hello, World!"}

    return app


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.get("/health")
    @app.get("/json")
    async def greeting() -> dict[str, str]:
        return {"message": "Hello, World!"}

    return app
