"""A strict stand-in for a token endpoint and the API behind it: what RFC 6749 lets a server refuse is refused here.

A refresh token that was replaced stays good until its successor, or the access token that came with it, is used for the
first time (`grace`), or dies at once. When a new access token is used, the successor must be in the token file already.
"""
import base64
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

CLIENT, SECRET = "client-7f", "client-secret-planted-51c0"
PAGE = 10


class Grant:
    """What was granted: the chain of refresh tokens and the living access tokens."""

    def __init__(self, rotates=True, grace=True, life=None, uses=None):
        self.lock = threading.RLock()
        self.rotates, self.grace, self.life, self.uses = rotates, grace, life, uses
        self.n = 0
        self.refresh = [self.name("rt")]   # the last one is the newest; more than one within the grace
        self.access = {}                   # token -> [uses left, dies at, refresh token that came with it]
        self.is_revoked = False

    def name(self, kind):
        self.n += 1
        return f"{kind}-planted-{self.n:04d}-3e9ab71c"

    def issue(self, refresh):
        """The answer for a refresh token (None: client credentials), or None when it is refused."""
        if self.is_revoked or (refresh is not None and refresh not in self.refresh):
            return None
        if refresh is not None and self.rotates:
            self.refresh = self.refresh[self.refresh.index(refresh):]
            self.refresh = [*(self.refresh[:1] if self.grace else []), self.name("rt")]
        access = self.name("at")
        self.access[access] = [self.uses, time.monotonic() + self.life if self.life else None, self.refresh[-1]]
        answer = {"access_token": access, "token_type": "Bearer"}
        if self.life:
            answer["expires_in"] = self.life
        if refresh is not None and self.rotates:
            answer["refresh_token"] = self.refresh[-1]
        return answer

    def accepts(self, access):
        known = self.access.get(access)
        if self.is_revoked or not known or known[0] == 0 or (known[1] and time.monotonic() > known[1]):
            return False
        if known[0]:
            known[0] -= 1
        if known[2] in self.refresh:
            self.refresh = self.refresh[self.refresh.index(known[2]):]
        return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, status, body, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def note(self, body=""):
        self.server.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})

    def do_GET(self):
        s, url = self.server, urlsplit(self.path)
        self.note()
        if s.redirect_api:
            return self.say(302, {}, Location=s.redirect_api)
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        with s.grant.lock:
            is_good = scheme == "Bearer" and s.grant.accepts(token)
        if not is_good:
            return self.say(401, [{"errorCode": "INVALID_SESSION_ID", "message": f"Session {token} expired or invalid"}])
        if s.file and s.grant.rotates and s.grant.access[token][2] not in s.file.read_text():
            s.wrong.append("a token was used whose successor was not kept")
        start = int(dict(parse_qsl(url.query)).get("after", 0))
        rows = [{"id": str(i), "name": f"Thing {i}"} for i in range(start, min(start + PAGE, s.n_rows))]
        more = {"next": str(start + PAGE)} if start + PAGE < s.n_rows else {}
        return self.say(200, {"rows": rows, **more})

    def client(self, form):
        """Who asks, by header or by form, but not by both."""
        scheme, _, pair = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            return None if "client_secret" in form else tuple(base64.b64decode(pair).decode().split(":", 1))
        return form.pop("client_id", None), form.pop("client_secret", None)

    def do_POST(self):
        s = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.note(body)
        time.sleep(s.slow)
        if s.redirect_token:
            return self.say(307, {}, Location=s.redirect_token)
        pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        if self.path != "/token" or self.headers.get("Content-Type") != "application/x-www-form-urlencoded" or len(form) != len(pairs):
            return self.say(400, {"error": "invalid_request"})
        if self.client(form) != (CLIENT, SECRET):
            return self.say(401, {"error": "invalid_client", "error_description": f"{body} is wrong"})
        grant = form.pop("grant_type", "")
        refresh = form.pop("refresh_token", None)
        if form or grant != ("client_credentials" if refresh is None else "refresh_token"):
            return self.say(400, {"error": "invalid_request"})
        with s.grant.lock:
            answer = s.grant.issue(refresh)
        if answer is None:
            return self.say(400, {"error": "invalid_grant", "error_description": f"{refresh} is revoked"})
        s.n_issued += 1
        if s.cut:
            s.cut -= 1
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        return self.say(200, {**answer, "instance_url": s.instance_url or s.url})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients are killed here

    def stop(self):
        self.shutdown()
        self.server_close()


def serve(grant, n_rows=100):
    server = Server(("127.0.0.1", 0), Handler)
    server.grant, server.n_rows, server.seen, server.wrong, server.file = grant, n_rows, [], [], None
    server.slow, server.cut, server.n_issued = 0, 0, 0
    server.instance_url = server.redirect_api = server.redirect_token = None
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server
