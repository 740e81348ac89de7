//! One line for each problem, with its next step.

use crate::host::departure::GOOGLE_GRANTS;
use roundtrip_core::question::QuestionKind;
use roundtrip_store::Provider;

/// What a stable code means for the person at the terminal.
pub fn of_code(code: &str, detail: Option<&str>) -> String {
    let text = match code {
        "not_connected" => {
            "not connected yet; run: roundtrip connect platform, then: roundtrip connect google"
        }
        "platform_not_connected" => "not signed in to the platform; run: roundtrip connect platform",
        "google_not_connected" => "not signed in to Google; run: roundtrip connect google",
        "sign_in_expired" => {
            "a sign-in is no longer accepted; run: roundtrip doctor, then: roundtrip connect …"
        }
        "google_reauth" => "Google no longer accepts the sign-in; run: roundtrip connect google",
        "platform_reauth" => "the platform no longer accepts the sign-in; run: roundtrip connect platform",
        "bad_address" => "this is not an address that can be used; give one like linden.example",
        "no_address" => "the platform's address is missing; use --address or ROUNDTRIP_PLATFORM_URL",
        "no_platform" => "there is no booking platform at this address; check it for typing errors",
        "wrong_certificate" => {
            "no certificate is trusted here; try another network, or ask who runs the address"
        }
        "google_wrong_certificate" => "Google's certificate is not trusted here; try another network",
        "platform_wrong_certificate" => {
            "the platform's certificate is not trusted; try another network, or ask the platform's team"
        }
        "nobody_proven" => {
            "neither Google nor the platform can prove who they are: something in this network or on this machine answers in between; nothing was sent; try another network"
        }
        "unsafe_platform" => {
            "the platform's sign-in is not safe (PKCE or https is missing); ask the platform's team"
        }
        "unreachable" => "could not be reached; check the network and try again",
        "google_unreachable" => "Google could not be reached; check the network and try again",
        "platform_unreachable" => "the platform could not be reached; check the network and try again",
        "no_success_2h" => {
            "nothing has come through for two hours of awake time; check the network and try again"
        }
        "no_success_2h_google" => {
            "nothing has come through from Google for two hours of awake time; check the network and try again"
        }
        "no_success_2h_platform" => {
            "nothing has come through from the platform for two hours of awake time; check the network and try again"
        }
        "offline" => "there is no network; connect and try again",
        "server_trouble" => "the service has trouble; try again in some minutes",
        "throttled" => "the service asked to wait; try again in a minute",
        "wrong_answer" | "bad_answer" => "the answer could not be read, so nothing was changed; try again",
        "access_denied" => "the sign-in was declined; try again and allow access",
        "calendar_right_missing" => "calendar access was not ticked; try again and tick it",
        "right_missing" => "a right is missing; connect again and allow it",
        "google_right_missing" => {
            "calendar access is missing at Google; run: roundtrip connect google, and tick it"
        }
        "platform_right_missing" => {
            "a right is missing at the platform; run: roundtrip connect platform, and allow it"
        }
        "calendar_read_only" => {
            "this calendar may only be read; ask its owner for the right to write, or choose another one in the settings"
        }
        "deletion_off" => {
            "calendar sync is turned off on the platform, so no event can be deleted; if it does not come back, run roundtrip disconnect google without deleting: the events stay and are yours to delete"
        }
        "calendar_not_found" => "the calendar was not found; choose another one in the settings",
        "quota_gone" => "Google's quota is used up; what waits goes on by itself in about an hour",
        "sync_disabled" => "calendar sync is turned off on the platform; it comes back by itself",
        "timed_out" => "nobody answered the sign-in page in time; try again",
        "cancelled" => "the sign-in was cancelled",
        "no_google_client" => "no Google client is set; set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET",
        "no_port" => "no port of this machine could be opened for the sign-in; check the firewall",
        "keychain" => "the keychain could not be used; unlock it, or set TOKEN_ENCRYPTION_KEY",
        "tokens_volatile" => {
            "there is no keychain: sign-ins are kept in memory only; set one up or set TOKEN_ENCRYPTION_KEY"
        }
        "clock_wrong" => "this machine's clock is wrong; set it to automatic",
        "database" | "database_unavailable" | "database_unreadable" => {
            "the database could not be read; check the disk and the folder's rights"
        }
        "database_damaged" => {
            "the database is damaged; quit Roundtrip and start it again: the file is kept under another name, and all is put together anew"
        }
        "database_rebuilt" => {
            "the database was damaged and is kept under another name; events are safe and found again: run roundtrip connect platform, then: roundtrip connect google, then: roundtrip sync --once"
        }
        "disk_full" => "the disk is full; make room and try again",
        "events_remain" => {
            "some events could not be deleted; syncing is paused, and what was deleted stays deleted until you resume; try again"
        }
        "moves_waiting" => {
            "moves, notes or open decisions have not reached the platform yet; sync or decide first, or they are lost (--even-so goes on anyway)"
        }
        "not_now" => "Roundtrip is just getting ready again; nothing was done; try again in a moment",
        "stale" => "the number of events has changed; look again, and confirm the new one",
        "not_the_writer" => "another laptop writes; take over with `sync --once --take-over` first",
        "writes_failed" => "some writes did not go through; they are tried again with the next sync",
        _ => "that did not work",
    };
    match detail {
        Some(detail) => format!("{text} ({detail})"),
        None if text == "that did not work" => format!("{text} ({code})"),
        None => text.to_owned(),
    }
}

/// What became of a grant, and what to do where it could not be given back.
pub fn of_grant(service: Provider, revoked: bool, stays: bool) -> String {
    match (revoked, stays, service) {
        (true, _, _) => "revoked".into(),
        (false, true, _) => "not revoked".into(),
        (false, false, Provider::Google) => format!("not revoked; take it back yourself at {GOOGLE_GRANTS}"),
        (false, false, Provider::Platform) => {
            "not revoked; it ends by itself, or the platform's team ends it".into()
        }
    }
}

/// What the guard asks, and where to answer.
pub fn of_question(kind: QuestionKind, count: usize) -> String {
    let what = match kind {
        QuestionKind::InferredDeletions => "events would be removed because of a setting or a missing answer",
        QuestionKind::Cancellations => "cancelled appointments would be removed at once",
        QuestionKind::Moves => "moves would be reported at once",
        QuestionKind::RemovedInCalendar => "events were removed in the calendar: put back or leave",
    };
    format!("asks first: {count} {what}; nothing of it was done; answer in the window")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_from_here_says_where_it_can() {
        assert!(of_code("deletion_off", None).contains("roundtrip disconnect google"));
        assert!(of_code("calendar_read_only", None).contains("ask its owner"));
        assert!(of_code("nobody_proven", None).contains("another network"));
        assert!(of_code("moves_waiting", None).contains("decide"));
        let grant = |service, revoked, stays| of_grant(service, revoked, stays);
        assert!(grant(Provider::Google, false, false).contains(GOOGLE_GRANTS));
        assert!(!grant(Provider::Platform, false, false).contains(GOOGLE_GRANTS));
        for stays in [
            grant(Provider::Google, false, true),
            grant(Provider::Google, true, false),
        ] {
            assert!(!stays.contains("take it back"), "{stays}");
        }
        for service in ["google", "platform"] {
            for code in ["right_missing", "wrong_certificate"] {
                let said = of_code(&format!("{service}_{code}"), None);
                let name = if service == "google" {
                    "Google"
                } else {
                    "the platform"
                };
                assert!(said.contains(name), "{said}");
            }
        }
    }
}
