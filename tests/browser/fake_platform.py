"""A small stand-in for the platform: the endpoints the widget uses, with scripted answers, on a loopback port."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BOT = "0b1d5a52-6c0e-4e0e-9a53-0f2b7f6f7a11"
HEADER = "X-Chat-Session-Id"
SOURCES = [
    {"type": "web", "title": "Opening hours and how to find us", "url": "https://shop.example/hours", "n": 1},
    {"type": "file", "title": "Returns policy 2026.pdf", "excerpt": "Goods may be returned within 30 days.", "n": 2},
]
ANSWER = (
    "We are open **Monday to Friday** from 9:00 to 18:00 [1]. Grüße und नमस्ते 🙂\n\n"
    "- Returns are free for *30 days* [2]\n- Write to <mailto:help@shop.example>"
)
LABELS = {
    "en": ["Open chat", "Close chat", "The chat is not available right now", "Hide this hint"],
    "de": ["Chat öffnen", "Chat schließen", "Der Chat ist gerade nicht erreichbar", "Hinweis ausblenden"],
    "hi": ["चैट खोलें", "चैट बंद करें", "चैट अभी उपलब्ध नहीं है", "संकेत छिपाएँ"],
}
PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>shop</title>{csp}{style}</head><body>{body}{script}</body></html>"""


def sse(*events: dict, end: str = "\n\n") -> bytes:
    """Encode events as the server sends them, without escaping letters, so that pieces may split UTF-8."""
    return "".join(f"data: {json.dumps(event, ensure_ascii=False)}{end}" for event in events).encode()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


class FakePlatform:
    """Holds what the tests script and what the widget asked; one instance serves one test at a time."""

    def __init__(self, dist: Path) -> None:
        self.dist = dist
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.reset()

    def reset(self) -> None:
        self.config: dict = {"id": BOT, "name": "Fern & Feather", "locale": "en", "closeBehaviour": "minimise"}
        self.config["labels"] = LABELS
        self.requests: list[dict] = []
        self.history: dict[str, list[dict]] = {}
        self.answer, self.sources, self.delay, self.size = ANSWER, SOURCES, 0.0, 7
        self.parts: list[dict] = []
        self.posted: tuple[int, dict] = (200, {})  # what forms and buttons are answered
        self.mine: dict = {"parts": [], "complete": True}  # what is kept on the visitor
        self.cuts = 0  # how many streams break off in the middle
        self.failures: list[tuple[int, str, dict]] = []  # (status, code, headers) for the next chat calls
        self.page_style = self.page_body = self.page_head = self.csp = self.tag = ""
        self.lang = "en"

    def stop(self) -> None:
        self.server.shutdown()

    def asked(self, path: str) -> list[dict]:
        return [request for request in self.requests if request["path"] == path]

    def events(self, message_id: str) -> list[dict]:
        words = [self.answer[at : at + 9] for at in range(0, len(self.answer), 9)]
        return [
            {"type": "start", "messageId": message_id},
            *({"type": "delta", "delta": word} for word in words),
            {"type": "sources", "sources": self.sources},
            *({"type": "part", "part": part} for part in self.parts),
            {"type": "done", "refused": False, "mode": "bot", "status": None},
        ]

    def page(self, path: str) -> bytes:
        page_mode = path.startswith("/chat/")
        attrs = f'data-mode="page" data-bot="{BOT}"' if page_mode else f'data-bot="{BOT}"'
        body = f'<div id="webchatagent-page" data-bot="{BOT}"></div>' if page_mode else self.page_body
        script = f'{self.page_head}<script src="{self.base}/widget/v1/loader.js" {attrs} {self.tag} defer></script>'
        csp = f'<meta http-equiv="Content-Security-Policy" content="{self.csp}">' if self.csp else ""
        style = "" if self.csp else f"<style>body{{margin:0;font-family:system-ui}}{self.page_style}</style>"
        return PAGE.format(lang=self.lang, csp=csp, style=style, body=body, script=script).encode()


def _handler(platform: FakePlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def reply(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
            self.send_response(status)
            self.cors()
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def cors(self) -> None:
            self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin") or "*")
            self.send_header("Access-Control-Allow-Headers", f"Content-Type, {HEADER}")
            self.send_header("Access-Control-Expose-Headers", f"{HEADER}, Retry-After")

        def note(self, body: dict | None = None) -> None:
            path, _, query = self.path.partition("?")
            platform.requests.append({"path": path, "query": query, "body": body, "headers": dict(self.headers)})

        def do_OPTIONS(self) -> None:
            self.reply(204, b"")

        def do_GET(self) -> None:
            self.note()
            path = self.path.partition("?")[0]
            if path.startswith("/widget/v1/"):
                file = platform.dist / path.rsplit("/", 1)[1]
                found = file.is_file()
                self.reply(200 if found else 404, file.read_bytes() if found else b"", "text/javascript; charset=utf-8")
            elif path == f"/api/bots/{BOT}/config":
                self.reply(200, json.dumps(platform.config).encode())
            elif path == "/api/chat/history":
                messages = platform.history.get(self.headers.get(HEADER, ""), [])
                self.reply(200, json.dumps({"messages": messages}).encode())
            elif path == "/api/me":
                self.reply(200, json.dumps(platform.mine).encode())
            elif path in ("/", "/other") or path.startswith("/chat/"):
                self.reply(200, platform.page(path), "text/html; charset=utf-8")
            else:
                self.reply(404, b'{"error":{"code":"not_found","message":"no"}}')

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            self.note(body)
            if self.path == "/api/chat":
                self.chat(body)
            elif self.path == "/api/chat/end":
                platform.history.pop(self.headers.get(HEADER, ""), None)
                self.reply(200, b"{}")
            elif self.path.startswith("/api/chat"):
                self.reply(200, b"{}")
            else:
                status, answer = platform.posted
                self.reply(status, json.dumps(answer).encode())

        def chat(self, body: dict) -> None:
            if platform.failures:
                status, code, headers = platform.failures.pop(0)
                self.reply(status, json.dumps({"error": {"code": code, "message": code}}).encode(), **headers)
                return
            session = self.headers.get(HEADER) or secrets.token_urlsafe(32)
            messages = platform.history.setdefault(session, [])
            answer_id = f"answer-{body['clientMessageId']}"
            if not any(message["id"] == answer_id for message in messages):
                messages.append({"id": body["clientMessageId"], "role": "visitor", "text": body["message"]})
                answer = {"id": answer_id, "role": "bot", "text": platform.answer, "sources": platform.sources}
                answer["parts"] = platform.parts
                messages.append({**answer, "rating": None})
            cut = platform.cuts > 0
            platform.cuts -= cut
            data = b": hello\r\n\r\n" + sse(*platform.events(answer_id), end="\r\n\r\n")
            self.send_response(200)
            self.cors()
            self.send_header("Content-Type", "text/event-stream")
            self.send_header(HEADER, session)
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in pieces(data[: len(data) // 2] if cut else data, platform.size):
                try:
                    self.wfile.write(piece)
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(platform.delay)
            self.close_connection = True

    return Handler
