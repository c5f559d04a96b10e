"""A stand-in for Mattermost's incoming webhooks: what they take, how they refuse, and whom a post would call."""
import html
import json
import re

from sinks import HttpSink

MOST = 16383  # characters; what is longer would be split in places that nobody chose
EVERYBODY = {"@all", "@channel", "@here"}


def error(status, name):
    return status, json.dumps({"id": name, "message": "Unable to.", "detailed_error": "", "request_id": "x", "status_code": status}).encode()


def mentions(text):
    """The names that Mattermost's server finds in a post: its parser drops backslashes and entities before it looks for words."""
    plain = html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"(?s)```.*?```", " ", text)))
    words = re.findall(r"[\w:.\-@]+", plain)
    return [w for w in (w.strip(":.-_") for w in words) if w.startswith("@") and len(w) > 1]


class Mattermost(HttpSink):
    PATH = "/hooks/abcdefghijklmnopqrstuvwxyz"

    def __init__(self, directory=None, port=0):
        self.called = []  # names in posts that would call somebody
        super().__init__(directory, port)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.PATH}"

    def accept(self, request):
        if request["path"] != self.PATH:
            return error(400, "web.incoming_webhook.invalid.app_error")
        if not request["headers"].get("content-type", "").startswith("application/json"):
            return error(400, "web.incoming_webhook.parse.app_error")
        try:
            payload = json.loads(request["body"].decode("utf-8"))
        except ValueError:
            return error(400, "web.incoming_webhook.parse.app_error")
        text = payload.get("text") if isinstance(payload, dict) and set(payload) == {"text"} else None
        if not isinstance(text, str) or not text.strip():
            return error(400, "web.incoming_webhook.text.app_error")
        if len(text) > MOST:
            return error(413, "web.incoming_webhook.split_props_length.app_error")
        self.called += mentions(text)
        self.keep(".json", at=request["at"], body=request["body"], payload=payload)
        return 200, b"ok"
