"""A user class takes the right answer for a success and anything else for a failure."""

import json

import pytest

import workloads
from loadtest.users import requests
from loadtest.users.row import RowUser

ITEM = {"id": 7, "value": workloads.item_value(7)}
RIGHT = {
    requests.Plaintext: workloads.PLAINTEXT,
    requests.Json: json.dumps(workloads.GREETING, separators=(",", ":")).encode(),
    requests.Wait: b'{"waited_ms":100}',
    requests.DbRead: json.dumps([ITEM, ITEM]).encode(),
    requests.DbWrite: json.dumps({"id": 1, "value": requests.VALUE}).encode(),
    requests.Cpu: json.dumps({"rounds": 9, "result": workloads.cpu_work(9)}).encode(),
    requests.Echo: requests.MESSAGE.encode(),
}
WRONG = [b"", b"{}", b"[]", b"null", b"<html>", b'{"value":1}', b'[{"id":7,"value":0}]', b'{"rounds":9,"result":1}']


@pytest.mark.parametrize("user", RIGHT, ids=lambda user: user.__name__)
def test_the_right_answer_is_a_success(user: type[RowUser]) -> None:
    assert user.check(RIGHT[user])


@pytest.mark.parametrize("body", WRONG)
@pytest.mark.parametrize("user", [*RIGHT, requests.Mix], ids=lambda user: user.__name__)
def test_any_other_answer_is_a_failure(user: type[RowUser], body: bytes) -> None:
    try:
        right = user.check(body)
    except (ValueError, KeyError, TypeError):  # what Checked turns into a failure
        right = False
    assert not right


@pytest.mark.parametrize("user", RIGHT, ids=lambda user: user.__name__)
def test_the_mix_knows_every_right_answer(user: type[RowUser]) -> None:
    if user is not requests.Plaintext:  # not part of the mix
        assert requests.Mix.check(RIGHT[user])
