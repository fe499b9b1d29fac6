"""Who may reach the stack, and under which names: what the settings of .env say, checked before anything starts."""

import ipaddress

import pytest

from lab import LabError
from lab.stack import publishing
from lab.stack.machine import lan_addresses

HOME = {"PUBLISH_ON": "192.168.1.7", "LAB_UI_PASSWORD": "secret"}
EVERYWHERE = HOME | {"PUBLISH_ON": "0.0.0.0"}  # noqa: S104  (nothing is bound)


@pytest.mark.parametrize("on", ["", "127.0.0.1"])
def test_without_the_setting_only_this_machine_reaches_it(on: str) -> None:
    said = publishing.read({"PUBLISH_ON": on})
    assert (said.is_open, said.listens(8443), said.addresses(here=True)) == (False, ("127.0.0.1:8443",), ())
    said.refuse_without_login()


def test_published_on_an_address_it_listens_there_and_here_and_names_it() -> None:
    said = publishing.read(HOME)
    assert said.listens(8443) == ("127.0.0.1:8443", "192.168.1.7:8443")
    assert said.addresses(here=False) == ("192.168.1.7",)
    assert said.here == "192.168.1.7"  # containers are published nowhere else


def test_published_on_all_addresses_it_names_those_that_the_machine_has_where_it_can_see_them() -> None:
    said = publishing.read(EVERYWHERE)
    assert said.listens(8443) == ("0.0.0.0:8443",)
    assert said.addresses(here=True) == lan_addresses()
    assert said.here == "localhost"
    assert said.addresses(here=False) == ()  # a container sees its own addresses only


def test_a_name_for_the_room_comes_before_the_address() -> None:
    said = publishing.read(HOME | {"TRUSTED_HOST": "lab.example, other.example"})
    assert said.addresses(here=False) == ("lab.example", "other.example", "192.168.1.7")


@pytest.mark.parametrize("on", [HOME, EVERYWHERE])
def test_it_is_not_published_without_a_login(on: dict[str, str]) -> None:
    with pytest.raises(LabError, match="set LAB_UI_PASSWORD"):
        publishing.read(on | {"LAB_UI_PASSWORD": ""}).refuse_without_login()
    publishing.read(on).refuse_without_login()


def test_a_stack_for_oneself_is_published_nowhere_whatever_the_settings_say() -> None:
    assert not publishing.read(HOME).only_here().is_open


@pytest.mark.parametrize(
    "setting",
    [
        {"PUBLISH_ON": "home"},
        {"PUBLISH_ON": "::"},
        {"PUBLISH_ON": "192.168.1.7:80"},
        {"LOAD_FROM": "192.168.1.0/24"},
        {"LOAD_FROM": "192.168.1.7; deny all"},
        {"TRUSTED_HOST": "https://lab.example"},
        {"TRUSTED_HOST": "lab.example:8443"},
        {"TRUSTED_HOST": "*.example"},
        {"TRUSTED_HOST": 'a" yes; "~.'},
    ],
)
def test_a_setting_that_is_no_address_or_name_is_refused_with_its_name(setting: dict[str, str]) -> None:
    with pytest.raises(LabError, match=f"^{next(iter(setting))}="):
        publishing.read(setting)


def test_the_machines_own_addresses_are_those_that_others_could_use() -> None:
    addresses = [ipaddress.ip_address(one) for one in lan_addresses()]
    assert not [one for one in addresses if one.is_loopback or one.is_unspecified]
