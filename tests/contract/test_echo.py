"""POST /echo: which bodies are taken and which refused, alike from both."""

import json

import httpx
import pytest

from tests.contract.apps import Both, detail

KIB = 1024


def message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()


def post(both: Both, body: bytes | list[bytes], media_type: str | None = "application/json") -> httpx.Response:
    return both("POST", "/echo", content=body, headers={"content-type": media_type} if media_type else {})


@pytest.mark.parametrize(
    "text", ["x", "Grüße ☃ 𝄞", "\x00\x1f\x7f\u2028", '"\\/', "<&>", " ", "x" * 10_000, "☃" * 10_000]
)
def test_a_message_comes_back_as_it_is(both: Both, text: str) -> None:
    answer = post(both, message(text))
    assert (answer.status_code, answer.json()) == (200, {"message": text})


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"message":"x"}',
        '{"message":"x"}'.encode("utf-16"),
        b' \n{"message" : "x"}\n ',
        b'{"message":"y","message":"x"}',
        b'{"mess\\u0061ge":"\\u0078"}',
    ],
    ids=["UTF-8 with BOM", "UTF-16", "white space", "the last of two keys", "escapes"],
)
def test_the_same_message_written_otherwise_is_taken(both: Both, body: bytes) -> None:
    answer = post(both, body)
    assert (answer.status_code, answer.content) == (200, b'{"message":"x"}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{]",
        b"'x'",
        b'{"message":"x"} {}',
        b'{"message":"\xff"}',
        b"\xff\xfe\x00",
        b'{"message":"\n"}',
        b"[" * 60000,
        b'{"a":' * 12000,
        b'{"message":' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: ascii(body[:20]),
)
def test_what_is_not_json_is_a_400(both: Both, body: bytes) -> None:
    assert detail(post(both, body), 400) == "the body is not valid JSON"


@pytest.mark.parametrize("chunks", [[], [b""], [b"{"], [b"[" * 60_000]], ids=["none", "empty", "half", "deep"])
def test_what_is_not_json_is_a_400_also_without_a_length(both: Both, chunks: list[bytes]) -> None:
    detail(post(both, chunks), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"{}",
        b'"x"',
        b"1",
        b"true",
        b"NaN",
        b'{"message":NaN}',
        b'{"message":null}',
        b'{"message":1}',
        b'{"message":["x"]}',
        b'{"message":"x","more":1}',
        b'{"Message":"x"}',
        b'{"message":""}',
        b'[{"message":"x"}]',
        b'{"message":"\\ud800"}',
        b'{"message":1e999}',
        b'{"message":' + b"9" * 4000 + b"}",
        message("x" * 10001),
        b"[" * 500 + b"]" * 500,
    ],
    ids=lambda body: ascii(body[:20]),
)
def test_json_that_is_no_message_is_a_422_that_states_the_rule(both: Both, body: bytes) -> None:
    rule = 'the body must be {"message": text} with 1 to 10000 characters of text and nothing else'
    assert detail(post(both, body), 422) == rule
    assert detail(post(both, [body]), 422) == rule


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON ; charset=utf-8", "application/vnd.x+json"]
)
def test_every_name_of_json_is_taken(both: Both, media_type: str) -> None:
    assert post(both, message("x"), media_type).status_code == 200


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "text/x+json",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "json",
        "application/",
        "application/json, text/plain",
    ],
)
@pytest.mark.parametrize("body", [b"", b"{", message("x")], ids=["empty", "invalid", "valid"])
def test_another_media_type_is_a_415_whatever_the_body_holds(both: Both, media_type: str | None, body: bytes) -> None:
    assert detail(post(both, body, media_type), 415) == "the body must be sent as application/json"


def test_a_body_of_64_kib_is_read(both: Both) -> None:
    assert post(both, message("x").ljust(64 * KIB)).status_code == 200
    assert post(both, [message("x").ljust(63 * KIB), b" " * KIB]).status_code == 200


@pytest.mark.parametrize("size", [64 * KIB + 1, 100 * KIB])
def test_a_larger_body_is_a_413_with_and_without_a_length(both: Both, size: int) -> None:
    body = message("x").ljust(size)
    assert detail(post(both, body), 413) == "the body is larger than 65536 bytes"
    assert detail(post(both, [body[:1000], body[1000:]]), 413) == "the body is larger than 65536 bytes"
    detail(post(both, b"[" * size), 413)
    detail(post(both, body, "text/plain"), 415)


def test_no_body_at_all_is_a_415_as_it_has_no_type(both: Both) -> None:
    detail(both("POST", "/echo"), 415)
