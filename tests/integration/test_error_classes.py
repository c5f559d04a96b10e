#!/usr/bin/env python3
"""What each vendor answers when it refuses, in its own recorded or documented words, ends in the right class by the shipped rules:
asked again or not, a person's matter or not, no rows, or no more today."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, run  # noqa: E402
from vendor import Vendor, quick  # noqa: E402

ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  src:
    connector: {connector}
    base_url: "{url}"
    allows_http_loopback: true
    config: {{ email: a@b.example, project: "1", zone: UTC, site: acme, domain: eu, host: acme.example, account: "$group_0" }}
    secrets: {{ {names} }}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""
ATTEMPTS = 3
STREAM = """
streams:
  things:
    row: { entity: owner, key: id, map: [ { to: name, from: name } ] }
    full: { get: /things, records: rows }
"""
# How often it is asked for, and how the command ends.
CLASSES = {"retry": (ATTEMPTS, 75), "rate": (ATTEMPTS, 75), "input": (1, 75), "spent": (1, 75), "config": (1, 78), "empty": (1, 0)}


def hub(category, message="no", **more):
    return {"status": "error", "message": message, "correlationId": "c", "category": category, **more}


def stripe(kind, code=None, message="no"):
    return {"error": {"type": kind, "code": code, "message": message}}


def chargebee(kind, code):
    return {"message": "no", "type": kind, "api_error_code": code}


def intercom(code):
    return {"type": "error.list", "request_id": "r", "errors": [{"code": code, "message": "no"}]}


def zoho(code):
    return {"code": code, "details": {}, "message": "no", "status": "error"}


def salesforce(code, message="no"):
    return [{"message": message, "errorCode": code}]


def google(reason):
    return {"error": {"code": 403, "message": "no", "errors": [{"message": "no", "domain": "usageLimits", "reason": reason}]}}


HTML = b"<!doctype html><title>Not Found</title>"
ANSWERS = {
    "hubspot": [
        (401, hub("INVALID_AUTHENTICATION"), "config"), (401, hub("EXPIRED_AUTHENTICATION"), "config"), (530, b"", "config"),
        (403, hub("MISSING_SCOPES"), "config"), (404, hub("OBJECT_NOT_FOUND"), "input"), (400, hub("VALIDATION_ERROR"), "input"),
        (409, hub("CONFLICT", "Contact already exists. Existing ID: 1"), "input"), (423, hub("RATE_LIMITS"), "retry"),
        (429, hub("RATE_LIMITS", "You have reached your secondly limit."), "rate"),
        (429, {"status": "error", "message": "You have reached your daily limit.", "errorType": "RATE_LIMIT", "policyName": "DAILY"}, "spent"),
        (477, hub("MIGRATION"), "spent"), (500, hub("INTERNAL"), "retry"), (502, HTML, "retry"), (504, HTML, "retry"), (524, HTML, "retry")],
    "zendesk": [
        (401, {"error": "Couldn't authenticate you"}, "config"), (403, {"error": {"title": "Forbidden", "message": "no"}}, "config"),
        (404, {"error": "RecordNotFound", "description": "Not found"}, "input"),
        (404, {"error": "InvalidEndpoint", "description": "Not found"}, "config"),
        (404, {"error": {"title": "No help desk at acme.zendesk.com", "message": "no"}}, "config"),
        (422, {"error": "RecordInvalid", "description": "Record validation errors", "details": {}}, "input"),
        (400, {"error": "StartTimeTooRecent", "description": "Too recent start_time."}, "input"), (409, {"error": "Conflict"}, "retry"),
        (429, b"You have exceeded the rate limit for updating a single unique user. user email:  id:  external_id: ", "rate"),
        (429, {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}, "rate"),
        (429, {"error": "Pagination limit reached for offset model"}, "input"), (503, b"", "retry")],
    "stripe": [
        (400, stripe("invalid_request_error", None, "This event has aged out of our retention policy"), "input"),
        (400, stripe("invalid_request_error", "parameter_unknown"), "input"), (401, stripe("invalid_request_error"), "config"),
        (402, stripe("card_error", "card_declined"), "input"), (403, stripe("invalid_request_error"), "config"),
        (404, stripe("invalid_request_error", "resource_missing"), "input"), (409, stripe("idempotency_error"), "retry"),
        (429, stripe("invalid_request_error", "rate_limit"), "rate"), (500, stripe("api_error"), "retry")],
    "chargebee": [
        (400, chargebee("invalid_request", "param_wrong_value"), "input"), (401, chargebee("authentication", "api_authentication_failed"), "config"),
        (403, chargebee("authorization", "api_authorization_failed"), "config"), (404, chargebee("invalid_request", "resource_not_found"), "input"),
        (404, chargebee("invalid_request", "site_not_found"), "config"), (429, chargebee("operation_failed", "api_request_limit_exceeded"), "rate"),
        (500, chargebee("operation_failed", "internal_error"), "retry"), (503, chargebee("operation_failed", "internal_temporary_error"), "retry")],
    "intercom": [
        (400, intercom("parameter_invalid"), "input"), (401, intercom("unauthorized"), "config"), (403, intercom("api_plan_restricted"), "config"),
        (404, intercom("not_found"), "input"), (409, intercom("conflict"), "input"), (422, intercom("data_invalid"), "input"),
        (429, intercom("rate_limit_exceeded"), "rate"), (500, intercom("server_error"), "retry"), (503, intercom("service_unavailable"), "retry")],
    "pipedrive": [
        (400, {"success": False, "error": "Bad request", "code": "ERR_SCHEMA_VALIDATION_FAILED"}, "input"),
        (401, {"success": False, "error": "unauthorized access", "errorCode": 401}, "config"), (402, {"success": False, "error": "no"}, "config"),
        (403, {"success": False, "error": "Scope and URL mismatch"}, "config"), (404, {"success": False, "error": "Deal not found"}, "input"),
        (410, {"success": True, "data": {"id": 1}}, "input"), (429, {"success": False, "error": "Request over limit"}, "rate"), (503, HTML, "retry")],
    "freshdesk": [
        (400, {"description": "Validation failed", "errors": [{"field": "page", "message": "no", "code": "invalid_value"}]}, "input"),
        (401, {"code": "invalid_credentials", "message": "no"}, "config"), (403, {"code": "access_denied", "message": "no"}, "config"),
        (404, b"", "config"), (429, {"message": "You have exceeded the limit of requests per minute"}, "rate"), (500, b"", "retry")],
    "mixpanel": [
        (400, b"Unable to authenticate request\n", "config"), (400, b"to_date: cannot be later than today\n", "input"),
        (401, {"error": "Invalid credentials", "status": "error"}, "config"), (402, {"error": "no", "status": "error"}, "config"),
        (429, b"Rate limit exceeded\n", "rate"), (503, b"", "retry")],
    "amplitude": [
        (404, b"Raw data files were not found.", "empty"), (404, {"code": 404, "error": "Raw data files were not found."}, "empty"),
        (404, HTML, "config"), (403, b"Forbidden", "config"), (400, b"The file size of the exported data is too large.", "input"),
        (429, b"Too many requests", "rate"), (503, b"", "retry")],
    "posthog": [
        (400, {"type": "validation_error", "code": "invalid_input", "detail": "Unable to resolve field: x"}, "input"),
        (401, {"type": "authentication_error", "code": "authentication_failed", "detail": "no"}, "config"),
        (403, {"type": "authentication_error", "code": "permission_denied", "detail": "no"}, "config"),
        (404, {"type": "invalid_request", "code": "not_found", "detail": "Project not found."}, "config"),
        (429, {"type": "throttled_error", "code": "throttled", "detail": "Request was throttled."}, "rate"), (500, b"", "retry"), (504, b"", "retry")],
    "zoho": [
        (204, b"", "empty"), (304, b"", "empty"), (400, zoho("INVALID_DATA"), "input"), (400, zoho("DISCRETE_PAGINATION_LIMIT_EXCEEDED"), "input"),
        (400, zoho("INVALID_MODULE"), "config"), (401, zoho("OAUTH_SCOPE_MISMATCH"), "config"), (403, zoho("NO_PERMISSION"), "config"),
        (429, zoho("TOO_MANY_REQUESTS"), "rate"), (500, zoho("INTERNAL_ERROR"), "retry")],
    "salesforce": [
        (400, salesforce("MALFORMED_QUERY"), "input"), (400, salesforce("INVALID_QUERY_LOCATOR"), "input"), (400, salesforce("INVALID_FIELD"), "config"),
        (404, salesforce("NOT_FOUND", "The requested resource does not exist"), "input"), (403, salesforce("API_DISABLED_FOR_ORG"), "config"),
        (403, salesforce("INSUFFICIENT_ACCESS"), "config"), (403, salesforce("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "spent"),
        (403, salesforce("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."), "rate"),
        (400, salesforce("QUERY_TIMEOUT"), "retry"), (400, salesforce("UNABLE_TO_LOCK_ROW"), "retry"), (503, salesforce("SERVER_UNAVAILABLE"), "retry"),
        (500, salesforce("UNKNOWN_EXCEPTION"), "retry"), (431, HTML, "config"), (502, HTML, "retry")],
    "gmail": [
        (403, google("userRateLimitExceeded"), "rate"), (403, google("rateLimitExceeded"), "rate"), (403, google("dailyLimitExceeded"), "spent"),
        (403, google("insufficientPermissions"), "config"), (403, google("accessNotConfigured"), "config"), (429, google("rateLimitExceeded"), "rate"),
        (400, google("badRequest"), "input"), (404, google("notFound"), "input"), (500, google("backendError"), "retry")],
    "espocrm": [
        (401, b"", "config"), (403, b"", "config"), (404, b"", "config"), (400, {"messageTranslation": {"label": "validationFailure"}}, "input")],
    "redmine": [
        (401, b"", "config"), (403, b"", "config"), (404, b"", "config"), (422, {"errors": ["Subject cannot be blank"]}, "input"), (500, HTML, "retry")],
    "dataverse": [
        (400, {"error": {"code": "0x80060888", "message": "Could not find a property named 'x'"}}, "input"),
        (400, {"error": {"code": "0x8004", "message": "Change tracking is not enabled for this entity"}}, "config"),
        (403, {"error": {"code": "0x80040220", "message": "no"}}, "config"), (404, {"error": {"code": "0x80060888", "message": "no"}}, "config"),
        (429, {"error": {"code": "0x80072322", "message": "Number of requests exceeded the limit of 6000"}}, "rate"), (503, HTML, "retry")],
}


def connector_for(name):
    """The shipped file up to its streams, with a token as it is, and a stream of its own."""
    head = quick((ROOT / f"config/connectors/{name}.yaml").read_text()).split("\nstreams:\n")[0]
    if re.search(r"\nauth:\n(  -|) +kind: oauth2", head):
        head = re.sub(r"\n  - \{[^\n]* action: refresh_retry \}", "", head)
        head = re.sub(r"\nauth:\n(?:  .*\n)+", '\nauth: { kind: header, name: Authorization, value: "Bearer {{secret.token}}" }\n', head)
    head = re.sub(r"\n(check:\n(  .*\n)+|(attempts|first_wait|longest_wait): .*)", "", head)
    return head + f"\nattempts: {ATTEMPTS}\nfirst_wait: 0.002\nlongest_wait: 0.004\n" + STREAM


def judge(case, name, answer):
    """How often the answer was asked for, how the command ended, and what was said."""
    server = Vendor(case, lambda request: answer[:2])
    secret = case.write("key", "planted-key\n")
    secret.chmod(0o600)
    text = connector_for(name)
    # Where there are several ways to log in, the first.
    names = ", ".join(f'{n}: "file:{secret}"' for n in sorted(set(re.findall(r"\{\{secret\.(\w+)", text.split("\n  - kind: oauth2")[0]))))
    case.org(ORG.format(connector=name, url=server.url, names=names, folder=case.tmp / "out"))
    (case.tmp / f"config/connectors/{name}.yaml").write_text(text)
    ended = case.retaind("pull", expect=None)
    server.shutdown()
    assert "planted" not in ended.stdout + ended.stderr
    return len(server.seen), ended.returncode, ended.stderr


def test_every_refusal_is_of_the_right_class(case):
    """The vendors' refusals, each by the shipped rules: what will pass is asked again, what won't is not, what a person must mend ends
    with 78 and says how, no data is no error."""
    for name, answers in ANSWERS.items():
        for answer in answers:
            asked, code, said = judge(case, name, answer)
            what = (name, answer, asked, code, said)
            assert (asked, code) == CLASSES[answer[2]], what
            assert f"HTTP {answer[0]}" in said or answer[2] == "empty", what
    print(f"         {sum(map(len, ANSWERS.values()))} answers of {len(ANSWERS)} vendors")


run(globals())
