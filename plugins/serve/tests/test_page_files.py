"""The files of the page: who gets them, and what they may do."""

from __future__ import annotations

import http.client
import re
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from serving import serving

import voxstack
from voxstack_serve import Service

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ASSETS = sorted(entry.name for entry in files("voxstack_serve.page").joinpath("assets").iterdir())


def ask(address: str, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_browsers_get_the_page_and_clients_json(address: str) -> None:
    response, content = ask(address, "/", BROWSER)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert content.startswith(b"<!doctype html>")
    for headers in ({}, {"accept": "*/*"}, {"accept": "application/json"}):
        response, content = ask(address, "/", headers)
        assert (response.headers["content-type"], response.headers["vary"]) == ("application/json", "accept")
    assert ask(address, "/v1/", BROWSER)[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", ASSETS)
def test_files_have_types_and_a_policy_and_are_kept(address: str, name: str) -> None:
    response, content = ask(address, f"/page/{name}")
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "html": "text/html"}
    assert response.headers["content-type"] == f"{kinds[name.rpartition('.')[2]]}; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    again, rest = ask(address, f"/page/{name}", {"if-none-match": response.headers["etag"]})
    assert (again.status, rest, again.headers["etag"]) == (304, b"", response.headers["etag"])
    assert ask(address, f"/page/{name}", {"if-none-match": '"other"'})[1] == content
    assert ask(address, f"/page/{name}", method="HEAD")[1] == b""


@pytest.mark.parametrize("name", ASSETS)
def test_files_load_nothing_from_elsewhere(name: str) -> None:
    text = files("voxstack_serve.page").joinpath("assets", name).read_text("utf-8")
    assert set(re.findall(r"https?://[^\"'\s]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|<script>|\son\w+=\"", text)


@pytest.mark.parametrize("path", ["/page/", "/page/other.js", "/page/..%2f__init__.py", "/page/../__init__.py"])
def test_other_files_are_not_there(address: str, path: str) -> None:
    assert ask(address, path)[0].status == 404


def test_the_page_opens_without_a_key_and_nothing_else(voices: voxstack.Voices) -> None:
    with serving(Service(voices, ["amber"]), keys=["secret"]) as address:
        assert ask(address, "/", BROWSER)[0].status == ask(address, "/page/main.js")[0].status == 200
        for path in ("/v1/audio/voices", "/v1/audio/voices/amber/stack", "/page/../v1/models", "//v1/models"):
            assert ask(address, path)[0].status in (401, 404)
