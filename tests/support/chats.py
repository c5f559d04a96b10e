"""Stand-ins for Microsoft Teams' workflow, a Google Chat space and a Discord channel: each knows the limits and the shapes that its
service documents, refuses what the service refuses, and keeps what came. They fail as told by a script (see sinks.py)."""
import json
import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

from sinks import HttpSink


class Refused(Exception):
    """What the service takes exception to."""


def need(condition, what):
    if not condition:
        raise Refused(what)


def only(thing, required, optional=()):
    need(isinstance(thing, dict), "not an object")
    need(set(required) <= set(thing) <= set(required) | set(optional), f"members {sorted(thing)}")


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


class Chat(HttpSink):
    """limit: so many requests in so many seconds, else 429; None: no limit."""

    def __init__(self, directory=None, port=0, limit=None):
        self.limit, self.times, self.n_refused_rate = limit, [], 0
        super().__init__(directory, port)

    def wait_needed(self, at):
        """0 when this request is within the limit, else the seconds until one would be."""
        if not self.limit:
            return 0
        most, seconds = self.limit
        self.times = [t for t in self.times if at - t < seconds]
        if len(self.times) >= most:
            self.n_refused_rate += 1
            return self.times[0] + seconds - at
        self.times.append(at)
        return 0

    def accept(self, request):
        split = urlsplit(request["path"])
        query = {k: v[0] for k, v in parse_qs(split.query, strict_parsing=bool(split.query)).items()}
        need_json = request["headers"].get("content-type", "").startswith("application/json")
        with self.lock:
            wait = self.wait_needed(request["at"])
        if wait > 0:
            return self.slow_down(wait)
        try:
            body = json.loads(request["body"].decode("utf-8"))
        except ValueError:
            body = None
        if split.path != self.PATH:
            return self.unknown()
        if not need_json or not isinstance(body, dict):
            return self.refuse("not a JSON object")
        return self.take(request, query, body)


# Teams --------------------------------------------------------------------------------------------------------------------

SIZES = {"Small", "Default", "Medium", "Large", "ExtraLarge"}
SPACINGS = {"None", "Small", "Default", "Medium", "Large", "ExtraLarge", "Padding"}


def card_text(element):
    """What Teams shows of an element of an Adaptive Card: a line each; raises for what its schema does not know."""
    kind = element.get("type") if isinstance(element, dict) else None
    need(element.get("spacing", "Default") in SPACINGS if kind else False, "element")
    if kind == "Container":
        only(element, ["type", "items"], ["separator", "spacing", "style"])
        need(element["items"], "an empty container")
        return "\n".join(card_text(e) for e in element["items"])
    if kind == "RichTextBlock":
        only(element, ["type", "inlines"], ["spacing", "separator"])
        need(element["inlines"], "a text without runs")
        return "".join(run_text(r) for r in element["inlines"])
    need(kind == "ActionSet", f"element {kind}")
    only(element, ["type", "actions"], ["spacing"])
    need(1 <= len(element["actions"]) <= 6, "actions")
    for action in element["actions"]:
        only(action, ["type", "title", "url"])
        need(action["type"] == "Action.OpenUrl" and re.fullmatch(r"https://[!-~]+", action["url"]), "action")
    return " ".join(f"[{a['title']}]" for a in element["actions"])


def run_text(run):
    only(run, ["type", "text"], ["size", "weight", "isSubtle"])
    need(run["type"] == "TextRun" and isinstance(run["text"], str) and run["text"], "run")
    need(run.get("size", "Default") in SIZES and run.get("weight", "Default") in {"Default", "Lighter", "Bolder"}, "look of a run")
    need(not re.search(r"\{\{(DATE|TIME)\(", run["text"]), "a date that the card would work out")
    return run["text"]


def check_card(body):
    only(body, ["type", "attachments"])
    need(body["type"] == "message" and len(body["attachments"]) == 1, "message")
    only(body["attachments"][0], ["contentType", "content"], ["contentUrl"])
    need(body["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive", "contentType")
    need(body["attachments"][0].get("contentUrl") is None, "contentUrl")
    card = body["attachments"][0]["content"]
    only(card, ["type", "version", "body"], ["$schema", "lang", "fallbackText", "msteams"])
    need(card["type"] == "AdaptiveCard" and card["version"] == "1.5" and card["body"], "card")
    need(set(card.get("msteams", {})) <= {"width"}, "msteams: mentions")
    return "\n\n".join(card_text(e) for e in card["body"])


class Teams(Chat):
    PATH = "/workflows/0123456789abcdef/triggers/manual/paths/invoke"
    MOST = 28 * 1024

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.PATH}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=secret"

    def error(self, status, code):
        return status, json.dumps({"error": {"code": code, "message": f"{code} at {self.url}"}}).encode()

    def unknown(self):
        return self.error(404, "WorkflowNotFound")

    def refuse(self, why):
        return self.error(400, "TriggerInputSchemaMismatch")

    def slow_down(self, wait):
        return *self.error(429, "TooManyRequests"), {"Retry-After": str(int(wait) + 1)}

    def take(self, request, query, body):
        if query.get("sig") != "secret":
            return self.error(401, "DirectApiAuthorizationRequired")
        if len(request["body"]) > self.MOST:
            return self.error(413, "RequestEntityTooLarge")
        try:
            text = check_card(body)
        except Refused as why:
            return self.error(400, f"InvalidCard_{re.sub('[^a-zA-Z]', '_', str(why))[:40]}")
        self.keep(".json", at=request["at"], body=request["body"], payload=body, text=text)
        return 202, b"", {"x-ms-workflow-run-id": f"0858{len(self.messages):016d}CU12"}


# Google Chat --------------------------------------------------------------------------------------------------------------


class CardHtml(HTMLParser):
    """The HTML of a paragraph: only our tags, without attributes, closed in order."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.text, self.open = "", []

    def handle_starttag(self, tag, attrs):
        need(not attrs and tag in {"b", "br"}, f"<{tag}>")
        if tag == "br":
            self.text += "\n"
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        need(self.open and self.open.pop() == tag, f"</{tag}>")

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise Refused("a comment")


def html_text(html):
    parser = CardHtml()
    parser.feed(html)
    parser.close()
    need(not parser.open, "a tag that is not closed")
    return parser.text


def widget_text(widget):
    need(isinstance(widget, dict) and len(widget) == 1, "widget")
    if "textParagraph" in widget:
        only(widget["textParagraph"], ["text"])
        return html_text(widget["textParagraph"]["text"])
    only(widget, ["buttonList"])
    only(widget["buttonList"], ["buttons"])
    for button in widget["buttonList"]["buttons"]:
        only(button, ["text", "onClick"])
        only(button["onClick"], ["openLink"])
        only(button["onClick"]["openLink"], ["url"])
        need(re.fullmatch(r"https://[!-~]+", button["onClick"]["openLink"]["url"]), "url")
    return " ".join(f"[{b['text']}]" for b in widget["buttonList"]["buttons"])


def check_chat_message(body):
    only(body, [], ["text", "cardsV2", "fallbackText", "thread"])
    only(body.get("thread", {"threadKey": "x"}), ["threadKey"])
    need(len(body.get("thread", {}).get("threadKey", "")) <= 4000, "threadKey")
    need("text" in body or "cardsV2" in body, "empty")
    lines = [body["text"]] if "text" in body else []
    need(not re.search(r"<(users/|https?:)", "".join(lines)), "a mention or link in text")
    for named in body.get("cardsV2", []):
        only(named, ["cardId", "card"])
        only(named["card"], ["sections"], ["header"])
        widgets = [w for s in named["card"]["sections"] for w in s["widgets"]]
        need(all(s["widgets"] for s in named["card"]["sections"]), "a section without widgets")
        need(1 <= len(widgets) <= 100, "widgets beyond 100 are not shown")
        lines += [widget_text(w) for w in widgets]
    return "\n\n".join(lines)


class GoogleChat(Chat):
    PATH = "/v1/spaces/AAAA/messages"
    MOST = 32000

    def __init__(self, *args, **kwargs):
        self.by_request, self.n_folded = {}, 0
        super().__init__(*args, **kwargs)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.PATH}?key=k&token=t"

    def error(self, code, status):
        return code, json.dumps({"error": {"code": code, "status": status, "message": f"{status} at {self.url}"}}).encode()

    def unknown(self):
        return self.error(404, "NOT_FOUND")

    def refuse(self, why):
        return self.error(400, "INVALID_ARGUMENT")

    def slow_down(self, wait):
        return self.error(429, "RESOURCE_EXHAUSTED")

    def take(self, request, query, body):
        if query.get("key") != "k" or query.get("token") != "t":
            return self.error(403, "PERMISSION_DENIED")
        asked = query.get("requestId")
        replies = {"REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD", "REPLY_MESSAGE_OR_FAIL", "MESSAGE_REPLY_OPTION_UNSPECIFIED", None}
        if query.get("messageReplyOption") not in replies or not asked:
            return self.refuse("query")
        if set(query) - {"key", "token", "requestId", "messageReplyOption"} or len(request["body"]) > self.MOST:
            return self.refuse("query or size")
        try:
            text = check_chat_message(body)
        except Refused:
            return self.refuse("body")
        with self.lock:
            known = self.by_request.get(asked)
            self.n_folded += known is not None
            is_new = known is None
            if is_new:
                known = self.by_request[asked] = f"spaces/AAAA/messages/{len(self.by_request) + 1}"
        if is_new:
            self.keep(".json", at=request["at"], body=request["body"], payload=body, text=text, thread=body.get("thread"))
        return 200, json.dumps({"name": known, "thread": {"name": "spaces/AAAA/threads/T"}}).encode()


# Discord ------------------------------------------------------------------------------------------------------------------

MENTION = re.compile(r"(?<!\\)<(@[!&]?|#|/|t:|a?:)|(?<!\\)@(everyone|here)")


def check_discord_message(body):
    only(body, [], ["content", "embeds", "allowed_mentions"])
    need(body.get("content") or body.get("embeds"), "empty")
    need(body.get("allowed_mentions") == {"parse": []}, "mentions are not switched off")
    need(utf16(body.get("content", "")) <= 2000, "content")
    embeds = body.get("embeds", [])
    need(len(embeds) <= 10, "embeds")
    for embed in embeds:
        only(embed, ["description"])
        need(1 <= utf16(embed["description"]) <= 4096, "description")
    need(sum(utf16(e["description"]) for e in embeds) <= 6000, "embeds are too long")
    text = "\n\n".join([body.get("content", "")] + [e["description"] for e in embeds])
    need(not MENTION.search(text), "a mention")
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", re.sub(r"(?<!\\)\*\*", "", text))


class Discord(Chat):
    PATH = "/api/webhooks/123456789012345678/abcdefghijklmnopqrstuvwxyz"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.PATH}"

    def error(self, status, code, message):
        return status, json.dumps({"code": code, "message": message}).encode()

    def unknown(self):
        return self.error(404, 10015, "Unknown Webhook")

    def refuse(self, why):
        return self.error(400, 50035, "Invalid Form Body")

    def slow_down(self, wait):
        body = json.dumps({"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": False}).encode()
        return 429, body, {"Retry-After": str(int(wait) + 1), "X-RateLimit-Scope": "user"}

    def take(self, request, query, body):
        if set(query) - {"wait", "thread_id"}:
            return self.refuse("query")
        try:
            text = check_discord_message(body)
        except Refused as why:
            return self.refuse(str(why))
        self.keep(".json", at=request["at"], body=request["body"], payload=body, text=text)
        if query.get("wait") != "true":
            return 204, b""
        return 200, json.dumps({"id": str(10 ** 17 + len(self.messages)), "content": body.get("content", "")}).encode()
