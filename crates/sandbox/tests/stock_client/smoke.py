"""Google's own client libraries against the sandbox, with nothing changed but the addresses.

    smoke.py ROOT_URL

ROOT_URL is where the Google stand-in runs (started with --auto-consent); GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET come
from the environment, as the sandbox prints them. Each answer is checked against the schema in the discovery document
that the client library ships. Prints "stock client: N checks passed"; exits with 1 at the first thing that is wrong.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

# The stand-in speaks plain HTTP on loopback, and, as the real service does, names scopes in another order and in full.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"

import google.auth.exceptions
from google.auth.transport.requests import Request
from google_auth_oauthlib.flow import Flow
from googleapiclient.discovery import build
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

import schema

SCOPES = [
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/calendar",
]
ALL_DAY = {"start": {"date": "2027-03-27"}, "end": {"date": "2027-03-28"}}


class Checks:
    """Counts what was found right and stops at what was not."""

    def __init__(self, document):
        self.schemas = document["schemas"]
        self.passed = 0

    def that(self, true, what):
        if not true:
            raise AssertionError(what)
        self.passed += 1

    def equal(self, found, wanted, what):
        self.that(found == wanted, f"{what}: expected {wanted!r}, got {found!r}")

    def answer(self, name, value):
        """`value` is what the published schema `name` allows."""
        schema.check(self.schemas, name, value)
        self.passed += 1
        return value

    def refused(self, request, status, reason):
        """The request is refused with this status and reason, as the client library reads them."""
        try:
            request.execute()
        except HttpError as error:
            found = (error.resp.status, error.error_details[0]["reason"] if error.error_details else None)
            self.equal(found, (status, reason), "refusal")
            return
        raise AssertionError(f"expected {status} {reason}, but it was accepted")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def landing(url):
    """Where a sign-in page that answers at once redirects to."""
    try:
        urllib.request.build_opener(NoRedirect).open(url)
    except urllib.error.HTTPError as answer:
        return answer.headers["Location"]
    raise AssertionError("no redirect; was the sandbox started with --auto-consent?")


def sign_in(root, checks):
    client = {
        "client_id": os.environ["GOOGLE_CLIENT_ID"],
        "client_secret": os.environ["GOOGLE_CLIENT_SECRET"],
        "auth_uri": f"{root}/o/oauth2/v2/auth",
        "token_uri": f"{root}/token",
        "redirect_uris": ["http://127.0.0.1"],
    }
    flow = Flow.from_client_config({"installed": client}, SCOPES, autogenerate_code_verifier=True)
    flow.redirect_uri = "http://127.0.0.1:49152/"
    url, state = flow.authorization_url(access_type="offline", prompt="consent")
    back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(landing(url)).query))
    checks.equal(back["state"], state, "state")
    flow.fetch_token(code=back["code"])
    credentials = flow.credentials
    checks.that(credentials.refresh_token, "a refresh token")
    checks.that(credentials.id_token, "an id token")
    checks.that(set(SCOPES) <= set(credentials.granted_scopes), "all scopes were granted")
    before = credentials.token
    credentials.refresh(Request())
    checks.that(credentials.token != before, "a refresh gives a new access token")
    return credentials


def calendars(service, checks):
    page = checks.answer("CalendarList", service.calendarList().list().execute())
    checks.that(any(entry.get("primary") for entry in page["items"]), "a primary calendar is listed")
    checks.answer("CalendarListEntry", service.calendarList().get(calendarId="primary").execute())
    checks.answer("Calendar", service.calendars().get(calendarId="primary").execute())
    checks.answer("Settings", service.settings().list().execute())
    zone = checks.answer("Setting", service.settings().get(setting="timezone").execute())
    checks.equal(zone["value"], "Europe/Berlin", "zone")
    checks.answer("Colors", service.colors().get().execute())
    made = checks.answer("Calendar", service.calendars().insert(body={"summary": "Stock client"}).execute())
    return made["id"]


def writes(service, checks, calendar):
    events = service.events()
    visit = {
        "id": "stock00001",
        "summary": "Besuch 💊",
        "description": "<p>Mit <b>Broschüren</b></p>",
        "location": "Hauptstr. 1, 14641 Nauen",
        "start": {"dateTime": "2026-11-23T09:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-23T10:30:00", "timeZone": "Europe/Berlin"},
        "extendedProperties": {"private": {"appointment": "apt_1"}},
        "source": {"url": "https://linden.example/apt_1", "title": "Linden"},
        "attendees": [{"email": "guest@example.net"}],
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]},
    }
    insert = events.insert(calendarId=calendar, body=visit, sendUpdates="none")
    made = checks.answer("Event", insert.execute())
    checks.equal(made["start"]["dateTime"], "2026-11-23T09:00:00+01:00", "start")
    checks.equal(made["description"], visit["description"], "description")
    checks.refused(events.insert(calendarId=calendar, body=visit), 409, "duplicate")
    checks.refused(events.insert(calendarId=calendar, body={**ALL_DAY, "id": "UPPER-1"}), 400, "invalid")

    stale = made["etag"]
    patch = events.patch(calendarId=calendar, eventId=made["id"], body={"summary": "Besuch 2", "attendees": None})
    patch.headers["If-Match"] = stale
    patched = checks.answer("Event", patch.execute())
    checks.that("attendees" not in patched and patched["location"] == made["location"], "a patch merges")
    patch = events.patch(calendarId=calendar, eventId=made["id"], body={"summary": "Besuch 3"})
    patch.headers["If-Match"] = stale
    checks.refused(patch, 412, "conditionNotMet")
    replaced = checks.answer(
        "Event", events.update(calendarId=calendar, eventId=made["id"], body={**ALL_DAY, "summary": "Tag"}).execute()
    )
    checks.that("location" not in replaced and replaced["end"] == ALL_DAY["end"], "a put replaces")
    checks.answer("Event", events.get(calendarId=calendar, eventId=made["id"]).execute())

    moved = checks.answer("Event", events.move(calendarId=calendar, eventId=made["id"], destination="primary").execute())
    checks.equal(moved["id"], made["id"], "id after a move")
    back = events.move(calendarId="primary", eventId=made["id"], destination=calendar)
    checks.answer("Event", back.execute())

    checks.equal(events.delete(calendarId=calendar, eventId=made["id"]).execute(), "", "a delete has no body")
    checks.refused(events.delete(calendarId=calendar, eventId=made["id"]), 410, "deleted")
    checks.refused(events.insert(calendarId=calendar, body=visit), 409, "duplicate")
    gone = checks.answer("Event", events.get(calendarId=calendar, eventId=made["id"]).execute())
    checks.equal(gone["status"], "cancelled", "status of a deleted event")
    checks.refused(events.get(calendarId=calendar, eventId="neverthere"), 404, "notFound")


def listing(events, checks, **parameters):
    """All pages, with the client library's own way of going on."""
    items, request = [], events.list(**parameters)
    while request is not None:
        page = checks.answer("Events", request.execute())
        items += page["items"]
        last, request = page, events.list_next(request, page)
    checks.that("nextSyncToken" in last, "the last page has a sync token")
    return items, last["nextSyncToken"]


def syncs(service, checks, calendar):
    events = service.events()
    for number in range(5):
        body = {**ALL_DAY, "id": f"page0000{number}", "summary": f"Tag {number}"}
        checks.answer("Event", events.insert(calendarId=calendar, body=body).execute())
    items, token = listing(events, checks, calendarId=calendar, maxResults=2)
    checks.equal(len(items), 5, "events over three pages")
    items, token = listing(events, checks, calendarId=calendar, syncToken=token)
    checks.equal(items, [], "nothing new")
    events.delete(calendarId=calendar, eventId="page00000").execute()
    events.patch(calendarId=calendar, eventId="page00001", body={"summary": "neu"}).execute()
    items, token = listing(events, checks, calendarId=calendar, syncToken=token)
    found = {item["id"]: item["status"] for item in items}
    checks.equal(found, {"page00000": "cancelled", "page00001": "confirmed"}, "what changed")
    checks.refused(events.list(calendarId=calendar, syncToken=token, q="x"), 400, "badRequest")
    checks.refused(events.list(calendarId="primary", syncToken=token), 410, "fullSyncRequired")

    partial = events.list(calendarId=calendar, fields="items(id,etag),nextSyncToken").execute()
    checks.answer("Events", partial)
    checks.that(all(set(item) == {"id", "etag"} for item in partial["items"]), "only the fields asked for")
    checks.refused(events.list(calendarId=calendar, fields="items(nonsense)"), 400, "invalidParameter")

    series = {
        "id": "serie0001",
        "start": {"dateTime": "2027-03-22T09:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2027-03-22T10:00:00", "timeZone": "Europe/Berlin"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
    }
    checks.answer("Event", events.insert(calendarId=calendar, body=series).execute())
    instances = checks.answer("Events", events.instances(calendarId=calendar, eventId="serie0001").execute())
    checks.equal(len(instances["items"]), 3, "occurrences")
    events.delete(calendarId=calendar, eventId=instances["items"][1]["id"]).execute()
    items, _ = listing(events, checks, calendarId=calendar, singleEvents=True)
    checks.equal(sum(item.get("recurringEventId") == "serie0001" for item in items), 2, "occurrences left")

    window = {"timeMin": "2027-03-22T00:00:00Z", "timeMax": "2027-03-23T00:00:00Z", "items": [{"id": calendar}]}
    busy = checks.answer("FreeBusyResponse", service.freebusy().query(body=window).execute())
    checks.equal(len(busy["calendars"][calendar]["busy"]), 1, "busy blocks")


def ends(service, checks, root, credentials, calendar):
    checks.equal(service.calendars().delete(calendarId=calendar).execute(), "", "a calendar is deleted")
    checks.refused(service.events().list(calendarId=calendar), 404, "notFound")
    form = urllib.parse.urlencode({"token": credentials.refresh_token}).encode()
    with urllib.request.urlopen(f"{root}/revoke", form) as answer:
        checks.equal(answer.status, 200, "revoked")
    try:
        service.events().list(calendarId="primary").execute()
    except google.auth.exceptions.RefreshError as error:
        checks.that("invalid_grant" in str(error), "a revoked grant surfaces as invalid_grant")
    else:
        raise AssertionError("a revoked grant still works")


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    root = sys.argv[1].rstrip("/")
    checks = Checks(json.loads(get_static_doc("calendar", "v3")))
    try:
        credentials = sign_in(root, checks)
        service = build(
            "calendar",
            "v3",
            credentials=credentials,
            static_discovery=True,
            client_options={"api_endpoint": f"{root}/calendar/v3/"},
        )
        calendar = calendars(service, checks)
        writes(service, checks, calendar)
        syncs(service, checks, calendar)
        listing(service.events(), checks, calendarId="primary")
        ends(service, checks, root, credentials, calendar)
    except (AssertionError, schema.Mismatch, HttpError) as problem:
        print(f"stock client: {problem} (after {checks.passed} checks)", file=sys.stderr)
        return 1
    print(f"stock client: {checks.passed} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
