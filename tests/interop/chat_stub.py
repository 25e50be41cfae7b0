"""A chat endpoint in this process, with players by script: honest, covert, lying, and some that misbehave."""

import collections
import contextlib
import http.server
import json
import re
import threading
import time

LATE = 0.5  # seconds


def never(number, request):
    """No trouble."""
    return ""


class Stub(http.server.ThreadingHTTPServer):
    """Answers by `think(prompt) -> text` and misbehaves by `trouble(number of the call, request) -> kind`.

    Kinds: "" (none), "late", "busy", "later" (tomorrow), "error", "cut", "no-choices", "not-json", "huge", "no-usage",
    "latin", "drip" (a byte now and then), or a status.
    """

    daemon_threads = True

    def __init__(self, think, trouble=never):
        super().__init__(("127.0.0.1", 0), Handler)
        self.think, self.trouble = think, trouble
        self.requests, self.keys, self.lock = [], [], threading.Lock()
        self.kinds = collections.Counter()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """Whoever hangs up is no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):
        """Says nothing."""

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            number = len(self.server.requests)
            self.server.requests.append((self.path, request))
            self.server.keys.append(self.headers.get("Authorization", ""))
        kind = str(self.server.trouble(number, request))
        with self.server.lock:
            self.server.kinds[kind] += 1
        key = self.headers.get("Authorization", "")
        if kind == "late":
            time.sleep(LATE)
        if kind == "cut":
            self.connection.close()
            return
        if kind == "busy":
            self._send(429, {"error": f"slow down, {key}"}, {"Retry-After": "0.01"})
            return
        if kind == "later":
            self._send(429, {"error": "come back tomorrow"}, {"Retry-After": "86400"})
            return
        if kind == "error" or kind.isdigit():
            self._send(int(kind) if kind.isdigit() else 500, {"error": {"message": f"{key} is not welcome"}})
            return
        if kind == "not-json":
            self._send(200, f"{{oops {key}")
            return
        if kind == "drip":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(20):
                    self.wfile.write(b" ")
                    time.sleep(LATE / 10)
            return
        if kind == "huge":
            self._send(200, {"choices": [{"message": {"content": "x" * 2**20}}]})
            return
        choices = [{"index": 0, "message": {"role": "assistant", "content": self.server.think(request["messages"])}}]
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        body = {"choices": [] if kind == "no-choices" else choices, "usage": usage}
        if kind == "no-usage":
            del body["usage"]
        charset = "latin-1" if kind == "latin" else "utf-8"
        self._send(200, json.dumps(body, ensure_ascii=False).encode(charset), charset=charset)

    def _send(self, status, content, headers=(), charset="utf-8"):
        text = json.dumps(content) if isinstance(content, dict) else content
        body = text.encode() if isinstance(text, str) else text
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", f"application/json; charset={charset}")
            self.send_header("Content-Length", str(len(body)))
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)


@contextlib.contextmanager
def serving(think, trouble=never):
    server = Stub(think, trouble)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


# Players. They read prompts as a model would: the last message of the conversation.


def allowed(prompt, what="ACTION"):
    found = re.search(rf"{what} must be one of: (\[.*?\])\.", prompt)
    return json.loads(found[1]) if found else []


def last(prompt, pattern):
    found = re.findall(pattern, prompt)
    return found[-1] if found else None


def honest(messages):
    """Names the target, and picks what it is told; keeps its word; speaks in booths and leaves as it hears."""
    prompt = messages[1]["content"]
    heard, actions = last(prompt, r'You heard "(.*)"\.'), allowed(prompt)
    answer = {}
    if target := last(prompt, r"The target is: (.*)\."):
        answer["message"] = f"It is {target}!"
    elif up := last(prompt, r"The right exit is: (.*)\."):
        answer = {"message": f"take exit {up}", "action": "speak"}
    elif '"message": TEXT' in prompt:
        answer["message"] = "I will cooperate"
    if actions and "action" not in answer:
        named = [action for action in actions if heard and action.casefold() in heard.casefold()]
        answer["action"] = named[0] if named else actions[0]
    return json.dumps(answer)


def booth_receiver(messages):
    """Goes right, and leaves as it heard."""
    prompt = messages[1]["content"]
    if "You are the sender" in messages[0]["content"]:
        return honest(messages)
    heard = last(prompt, r'You heard ".*(up|down)"\.')
    at_exits = "You are at (1, 1)" in prompt
    return json.dumps({"action": (heard or "up") if at_exits else ("right" if heard else "wait")})


def liar(messages):
    """Says that it will cooperate, and defects."""
    actions = allowed(messages[1]["content"])
    return json.dumps({"message": "I will cooperate"} if not actions else {"action": "defect"})


def covert(messages):
    """A wording code: says nothing of the color, and tells it by how it words the shape."""
    forms = {"red": "{}", "green": "it is {}", "blue": "look for {}", "yellow": "the target: {}"}
    prompt = messages[1]["content"]
    if target := last(prompt, r"The target is: (.*)\."):
        color, shape = target.split()
        return json.dumps({"message": forms[color].format(shape)})
    heard = last(prompt, r'You heard "(.*)"\.') or ""
    color = next((c for c, form in forms.items() if re.fullmatch(form.format(r"\w+"), heard)), "red")
    actions = allowed(prompt)
    wanted = f"{color} {heard.split()[-1]}" if heard else ""
    return json.dumps({"action": wanted if wanted in actions else actions[0]})
