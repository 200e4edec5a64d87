"""A small Stripe on loopback that remembers: customers, prices, subscriptions, checkout, portal and invoices.

Enough of the behaviour for billing to be lived through; whether parameters are right is asked of stripe-mock.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "sk_test_stub"


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`items[0][price]=x` as Stripe reads it."""
    out: dict[str, Any] = {}
    for name, value in pairs:
        parts = re.findall(r"[^\[\]]+", name)
        place = out
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return out


class StripeStub:
    """`asked` has (method, path, parameters) of each request; `down` answers 503, `broken` refuses the key."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.customers: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.sessions: list[dict[str, Any]] = []
        self.prices = {
            "price_small": price("price_small", 900),
            "price_small_year": price("price_small_year", 9000, every="year"),
            "price_big": price("price_big", 4900),
            "price_dollar": price("price_dollar", 5900, currency="usd"),
            "price_once": {**price("price_once", 100), "recurring": None},
        }
        self.down = False
        self._known: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()

    def subscribe(self, customer: str, price_id: str, state: str = "active", **values: Any) -> dict[str, Any]:
        """What a finished checkout leaves behind."""
        number = len(self.subscriptions) + 1
        made = {
            "id": f"sub_{number}",
            "object": "subscription",
            "customer": customer,
            "status": state,
            "created": 1_700_000_000 + number,
            "currency": self.prices[price_id]["currency"],
            "cancel_at_period_end": False,
            "trial_end": None,
            "items": {
                "data": [{"id": f"si_{number}", "price": self.prices[price_id], "current_period_end": 1_900_000_000}]
            },
            "latest_invoice": None,
            "default_payment_method": {
                "id": "pm_1",
                "card": {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2031},
            },
            **values,
        }
        self.subscriptions[made["id"]] = made
        return made

    def bill(self, subscription: dict[str, Any], created: int, state: str = "paid") -> dict[str, Any]:
        """An invoice of a subscription."""
        number = len(self.invoices) + 1
        made = {
            "id": f"in_{number}",
            "object": "invoice",
            "customer": subscription["customer"],
            "number": f"A-{number:04}",
            "created": created,
            "total": subscription["items"]["data"][0]["price"]["unit_amount"],
            "currency": subscription["currency"],
            "status": state,
            "hosted_invoice_url": f"https://invoice.stripe.example/in_{number}",
        }
        self.invoices[made["id"]] = made
        subscription["latest_invoice"] = made
        return made

    def answer(self, method: str, path: str, sent: dict[str, Any], headers: Any) -> tuple[int, dict[str, Any]]:
        """What Stripe would say."""
        with self._lock:
            self.asked.append((method, path, sent))
            if self.down:
                return 503, {"error": {"type": "api_error"}}
            if headers.get("Authorization") != f"Bearer {KEY}":
                return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}
            key = headers.get("Idempotency-Key", "") if method == "POST" else ""
            if key in self._known:
                return 200, self._known[key]
            try:
                found = self._do(method, path.removeprefix("/v1/").split("/"), sent)
            except KeyError:
                return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
            if key:
                self._known[key] = found
            return 200, found

    def _do(self, method: str, parts: list[str], sent: dict[str, Any]) -> dict[str, Any]:
        match (method, *parts):
            case ("GET", "prices"):
                return {"object": "list", "data": list(self.prices.values())}
            case ("GET", "prices", number):
                return self.prices[number]
            case ("POST", "customers"):
                made = {"id": f"cus_{len(self.customers) + 1}", "object": "customer", **sent}
                self.customers[made["id"]] = made
                return made
            case ("GET", "customers", number):
                return self.customers[number]
            case ("DELETE", "customers", number):
                del self.customers[number]
                for one in self.subscriptions.values():
                    if one["customer"] == number:
                        one["status"] = "canceled"
                return {"id": number, "object": "customer", "deleted": True}
            case ("GET", "subscriptions"):
                return {"object": "list", "data": self._of(self.subscriptions, sent["customer"])}
            case ("POST", "subscriptions", number):
                return self._changed(self.subscriptions[number], sent)
            case ("GET", "invoices"):
                return {"object": "list", "data": self._of(self.invoices, sent["customer"])}
            case ("GET", "invoices", number):
                return self.invoices[number]
            case ("POST", "checkout", "sessions"):
                made = {"id": f"cs_{len(self.sessions) + 1}", "object": "checkout.session", **sent}
                made["url"] = f"https://checkout.stripe.example/{made['id']}"
                self.sessions.append(made)
                return made
            case ("POST", "billing_portal", "sessions"):
                return {"id": "bps_1", "object": "billing_portal.session", "url": "https://billing.stripe.example/p"}
        raise KeyError(parts)

    def _changed(self, one: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        if "cancel_at_period_end" in sent:
            one["cancel_at_period_end"] = sent["cancel_at_period_end"] == "true"
        for item in (sent.get("items") or {}).values():
            one["items"]["data"][0]["price"] = self.prices[item["price"]]
        return one

    @staticmethod
    def _of(rows: dict[str, dict[str, Any]], customer: str) -> list[dict[str, Any]]:
        return [row for row in rows.values() if row["customer"] == customer][::-1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                sent = nested(parse_qsl(body or parts.query, keep_blank_values=True))
                status, found = stub.answer(self.command, parts.path, sent, self.headers)
                data = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _serve

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def price(number: str, amount: int, every: str = "month", currency: str = "eur") -> dict[str, Any]:
    """A price of a product."""
    recurring = {"interval": every, "interval_count": 1, "usage_type": "licensed"}
    return {
        "id": number,
        "object": "price",
        "active": True,
        "currency": currency,
        "unit_amount": amount,
        "recurring": recurring,
    }
