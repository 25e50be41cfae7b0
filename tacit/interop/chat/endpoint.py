"""One call of a chat endpoint in OpenAI's form, and the key that it may need.

    POST {url}/chat/completions   {model, messages, temperature, max_tokens, seed}   ->   choices[0].message.content

Servers that run on one's own machine (llama.cpp, vLLM, Ollama, ...) have the same form. The standard library does it
all. Redirects are not followed, since a key would go with them, and nothing of an answer that is not a reply is shown
or kept: endpoints repeat keys in their errors.

The key is read from a named environment variable at each call, and is in no record of the program.
"""

import contextlib
import http.client
import json
import math
import os
import re
import socket
import ssl
import time
import urllib.parse
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from tacit.errors import RunError, SettingError

MOST_BYTES = 2**20  # of an answer
PASSING = (408, 409, 425, 429)  # and all from 500 on: worth another try
LOCAL = ("localhost", "127.0.0.1", "::1")
LEAST_KEY = 8  # characters
HIDDEN = "[key]"
NOT_READ = 2**40  # tokens; who reports more is not believed


class Place(NamedTuple):
    """Where an endpoint is."""

    secure: bool
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{'https' if self.secure else 'http'}://{self.host}{port}{self.path}"


class Answer(NamedTuple):
    """What came of a call.

    Attributes:
        failure: "" for a reply, or why there is none: "late", "busy" (429), "failing" (5xx and the like), "broken"
            connection, or "unreadable" answer.
        content: the reply.
        tokens: read and written, as the endpoint counts; None where it does not say.
        wait: seconds after which the endpoint wants to be asked again; 0 where it does not say.
        absent: why nobody at all is there, in words that the address follows; empty, if somebody may be.
    """

    failure: str = ""
    content: str = ""
    tokens: tuple[int, int] | None = None
    wait: float = 0.0
    absent: str = ""


def place(url: str) -> Place:
    """Reads the address of an endpoint.

    Raises:
        SettingError: it is none; what is secret in it is not repeated.
    """
    form = "--url must be that of an endpoint, as in http://localhost:8080/v1"
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingError(f"{form}; its host or port cannot be read") from None
    if parts.username is not None or parts.password is not None:
        raise SettingError(f"{form}, without a user or a password; name the variable with the key by --key-variable")
    if parts.scheme not in ("http", "https") or not parts.hostname or not re.fullmatch(r"[\w.:%-]+", parts.hostname):
        raise SettingError(f"{form}, got {url!r}" if len(url) <= 200 and "?" not in url else form)
    if parts.query or parts.fragment or not re.fullmatch(r"[!-~]*", parts.path):
        raise SettingError(f"{form}, without ?, #, or letters that addresses do not have")
    return Place(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


def check_key(variable: str, at: Place) -> None:
    """Checks that the key can be used, if one is named.

    Raises:
        SettingError: the name is none, the variable is not set or holds no key, or the key would travel unencrypted.
    """
    if not variable:
        return
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", variable):
        raise SettingError("--key-variable must be the name of an environment variable, and never the key itself")
    value = os.environ.get(variable, "")
    shown = variable if variable.isupper() else "that --key-variable names"  # a key given by mistake has small letters
    if not value:
        raise SettingError(f"the environment variable {shown} is not set; it must hold the key of the endpoint")
    if not re.fullmatch(rf"[!-~]{{{LEAST_KEY},4096}}", value):
        raise SettingError(f"{variable} holds no key: that is {LEAST_KEY} or more plain characters without spaces")
    if not at.secure and at.host not in LOCAL:
        raise SettingError(f"a key is not sent to {at.host} unencrypted; give an https address")


def hide(text: str, variable: str) -> str:
    """A text without the key, should it be in there."""
    value = os.environ.get(variable, "") if variable else ""
    return re.sub(re.escape(value), HIDDEN, text, flags=re.IGNORECASE) if value else text


def call(at: Place, variable: str, request: Mapping[str, Any], timeout: float, in_use: set[socket.socket]) -> Answer:
    """Asks once.

    Args:
        in_use: holds the socket for as long as the call takes, so that another thread can break it off.

    Raises:
        RunError: the endpoint refuses (a status from 300 to 499 that does not pass by itself).
    """
    kind = http.client.HTTPSConnection if at.secure else http.client.HTTPConnection
    until = time.monotonic() + timeout
    connection = kind(at.host, at.port, timeout=timeout)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if variable:
        headers["Authorization"] = f"Bearer {os.environ.get(variable, '')}"
    own: set[socket.socket] = set()
    try:
        connection.connect()
        own = {connection.sock}
        in_use |= own
        connection.request("POST", f"{at.path}/chat/completions", json.dumps(request).encode(), headers)
        with connection.getresponse() as response:
            if response.status != HTTPStatus.OK:
                return _turned_away(at, response)
            body = _read(response, connection, until)
    except RunError:  # is a ValueError, too
        raise
    except TimeoutError:
        return Answer("late")
    except (ConnectionRefusedError, socket.gaierror):
        return Answer("broken", absent="nobody answers at")
    except ssl.SSLError:
        return Answer("broken", absent="there is no encrypted connection to")
    except (OSError, http.client.HTTPException, ValueError):
        return Answer("broken")
    finally:
        in_use -= own
        connection.close()
    return Answer("unreadable") if body is None else _reply(body, response.headers.get_content_charset(), variable)


def break_off(in_use: set[socket.socket]) -> None:
    """Ends the calls that hold these sockets."""
    for each in tuple(in_use):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(each, socket.SHUT_RDWR)  # beneath any encryption, which belongs to the other thread


def _turned_away(at: Place, response: http.client.HTTPResponse) -> Answer:
    """What an answer other than 200 means."""
    status = response.status
    if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        busy = status == HTTPStatus.TOO_MANY_REQUESTS
        return Answer("busy" if busy else "failing", wait=_wait(response.headers.get("Retry-After", "")))
    names = {known.value: known.phrase for known in HTTPStatus}
    hints = {401: "; is the key right?", 403: "; may this key do that?", 404: "; are --url and --model right?"}
    raise RunError(f"{at} refuses with status {status} {names.get(status, '')}".rstrip() + hints.get(status, ""))


def _wait(header: str) -> float:
    """The seconds in a header Retry-After, which may name a time instead."""
    text = header.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _read(response: http.client.HTTPResponse, connection: http.client.HTTPConnection, until: float) -> bytes | None:
    """The whole answer, by a moment however slowly it comes; None if it is too large."""
    body = b""
    while len(body) <= MOST_BYTES:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
        piece = response.read1(2**16)
        if not piece:
            if response.length:
                raise http.client.IncompleteRead(body)
            return body
        body += piece
    return None


def _reply(body: bytes, charset: str | None, variable: str) -> Answer:
    """The reply in an answer, and what it cost."""
    try:
        content = json.loads(body.decode(charset) if charset else body)
        message = content["choices"][0]["message"]
        text = message.get("content")
        if text is not None and not isinstance(text, str):
            return Answer("unreadable")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Answer("unreadable")
    return Answer(content=hide(text or "", variable), tokens=_tokens(content.get("usage")))


def _tokens(usage: Any) -> tuple[int, int] | None:
    """Tokens read and written, where an answer says so."""
    if not isinstance(usage, dict):
        return None
    found = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    believed = [n for n in found if isinstance(n, int) and not isinstance(n, bool) and 0 <= n < NOT_READ]
    return (believed[0], believed[1]) if len(believed) == len(found) else None


def estimate(text: str) -> int:
    """Tokens that a text may be, where nobody counted: one for each four bytes, rounded up."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 4)
