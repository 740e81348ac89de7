//! Who is signed in, and what the engine is put together from.

use super::vault::StoreVault;
use super::{Host, HostEvent, Running};
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::{CalendarId, ConnectionId, DeviceId, TrainerId};
use roundtrip_engine::ledger::LedgerError;
use roundtrip_engine::ports::{Me, PlatformPort};
use roundtrip_engine::{Config, Engine};
use roundtrip_google::GoogleCalendar;
use roundtrip_platform::{PlatformClient, PlatformMetadata};
use roundtrip_store::{Database, Integration, Provider};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The main calendar's one name.
const MAIN: &str = "primary";

/// What is kept with the platform account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlatformExtra {
    /// Where it is.
    pub metadata: PlatformMetadata,
    /// Who is signed in and what it allows, as last said.
    pub me: Me,
    /// It is being disconnected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Leaving>,
}

/// What is kept with the Google account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GoogleExtra {
    /// The calendar in use; none means the main one.
    pub calendar: Option<String>,
    /// Calendars of this account that were in use before, the oldest first and the main one as "primary". The trainer may move
    /// events out of them by hand, and they are known for ours in the one in use. They go with the account.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
    /// It is being disconnected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Leaving>,
}

impl GoogleExtra {
    /// The main calendar by its one name. Its address is the account's, which may change: kept, it would be another calendar's
    /// from then on, with another ledger and other event ids.
    #[must_use]
    fn by_one_name(mut self, account: &Integration) -> Self {
        let address = account.email.as_deref();
        let is_main = |id: &str| id == MAIN || address.is_some_and(|it| it.eq_ignore_ascii_case(id));
        self.calendar = self.calendar.filter(|id| !is_main(id));
        self
    }

    fn calendar_name(&self) -> &str {
        self.calendar.as_deref().unwrap_or(MAIN)
    }

    /// Calendars out of which events may have been moved by hand into the one in use. The main one is always among them: that it
    /// was in use before may have been lost with this laptop's data, or never have been known here.
    fn former(&self) -> Vec<CalendarId> {
        let kept = self.former.iter().map(String::as_str);
        let mut former: Vec<CalendarId> = Vec::new();
        for id in kept.chain([MAIN]) {
            if id != self.calendar_name() && former.iter().all(|known| known.as_str() != id) {
                former.push(CalendarId::new(id));
            }
        }
        former
    }
}

/// A disconnect from which there is no way back: kept with the account, so that it goes on after a crash, and goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// So many events were deleted first; none if they stay.
    pub deleted: Option<u32>,
    /// The grant goes, too; else other laptops keep it.
    pub revoke: bool,
    /// The other service and all data of this laptop go with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everything: bool,
}

/// The accounts of this data folder: at most one of each service.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// The platform.
    pub platform: Option<(Integration, PlatformExtra)>,
    /// Google.
    pub google: Option<(Integration, GoogleExtra)>,
}

/// Both accounts, and the ledger that belongs to the pair.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Ledger.
    pub id: ConnectionId,
    /// Platform account.
    pub platform: (Integration, PlatformExtra),
    /// Google account.
    pub google: (Integration, GoogleExtra),
    /// Whose appointments go into whose calendar.
    pub identity: Identity,
}

impl Accounts {
    /// Reads them. One that is kept in a form that cannot be read counts as not signed in; the trainer signs in again.
    ///
    /// # Errors
    /// The database's. Nobody is signed out then.
    pub async fn load(database: &Database) -> Result<Self, LedgerError> {
        let all = database.integrations().list().await?;
        let mut accounts = Self::default();
        for integration in all {
            match integration.provider {
                Provider::Platform => {
                    if let Ok(extra) = serde_json::from_value(integration.extra.clone()) {
                        accounts.platform = Some((integration, extra));
                    }
                }
                Provider::Google => {
                    let extra: GoogleExtra =
                        serde_json::from_value(integration.extra.clone()).unwrap_or_default();
                    // As long as the address that was kept is still the account's.
                    let extra = extra.by_one_name(&integration);
                    accounts.google = Some((integration, extra));
                }
            }
        }
        Ok(accounts)
    }

    /// The account of a service, with its extra as kept.
    pub fn of(&self, service: Provider) -> Option<&Integration> {
        match service {
            Provider::Platform => self.platform.as_ref().map(|(account, _)| account),
            Provider::Google => self.google.as_ref().map(|(account, _)| account),
        }
    }

    /// The disconnect of a service that did not come to its end.
    pub fn leaving(&self, service: Provider) -> Option<&Leaving> {
        match service {
            Provider::Platform => self.platform.as_ref()?.1.leaving.as_ref(),
            Provider::Google => self.google.as_ref()?.1.leaving.as_ref(),
        }
    }

    /// The account of a service as it is kept while it is being disconnected.
    pub fn with_leaving(&self, service: Provider, leaving: &Leaving) -> Option<Integration> {
        let leaving = Some(leaving.clone());
        let (mut account, extra) = match service {
            Provider::Platform => {
                let (account, extra) = self.platform.clone()?;
                (account, serde_json::to_value(PlatformExtra { leaving, ..extra }))
            }
            Provider::Google => {
                let (account, extra) = self.google.clone()?;
                (account, serde_json::to_value(GoogleExtra { leaving, ..extra }))
            }
        };
        account.extra = extra.ok()?;
        Some(account)
    }

    /// The same accounts with another calendar in use.
    #[must_use]
    pub fn with_calendar(mut self, id: &str) -> Self {
        if let Some((account, extra)) = &mut self.google {
            let before = extra.calendar_name().to_owned();
            extra.calendar = Some(id.to_owned());
            *extra = std::mem::take(extra).by_one_name(account);
            if before != extra.calendar_name() {
                extra.former.push(before);
            }
            extra.former = extra.former().iter().map(ToString::to_string).collect();
        }
        self
    }

    /// Both, if both are there.
    pub fn connection(self) -> Option<Connection> {
        let (platform, google) = (self.platform?, self.google?);
        let identity = identity(&platform.1, &google.0, &google.1);
        // Another trainer, platform or calendar has links of its own: they never mix in one ledger.
        let id = ConnectionId::new(format!(
            "{}:{}:{}",
            google.0.provider,
            google.0.account_id,
            roundtrip_core::text::short_hash(&format!(
                "{}|{}",
                identity.platform_fingerprint(),
                identity.event_id(&roundtrip_core::ids::AppointmentId::new(""), 0)
            ))
        ));
        Some(Connection {
            id,
            platform,
            google,
            identity,
        })
    }
}

/// The platform that an account is at, as it names itself; none for Google, or if what is kept cannot be read.
pub fn issuer_of(account: &Integration) -> Option<String> {
    let issuer = account.extra.get("metadata")?.get("issuer")?.as_str()?;
    Some(same_name(issuer).to_owned())
}

/// A platform that begins to write its issuer with a slash at its end, or leaves it away, is the same one: under another name all its
/// events would be another platform's, and be made a second time. (Once this is released, another rule asks for a migration: what is
/// stored goes by it.)
fn same_name(issuer: &str) -> &str {
    issuer.trim_end_matches('/')
}

pub(super) fn identity(platform: &PlatformExtra, google: &Integration, extra: &GoogleExtra) -> Identity {
    Identity {
        platform: same_name(&platform.metadata.issuer).to_owned(),
        trainer: TrainerId::new(platform.me.id.as_str()),
        account: google.account_id.clone(),
        account_email: google.email.clone().unwrap_or_default(),
        calendar: CalendarId::new(extra.calendar.clone().unwrap_or_else(|| MAIN.into())),
        former: extra.former(),
    }
}

impl Host {
    /// Clients and engine of a connection. Nothing is sent.
    pub(super) fn assemble(
        &self,
        connection: &Connection,
        device_id: DeviceId,
    ) -> (Arc<Engine>, Arc<PlatformClient>, Arc<GoogleCalendar>) {
        let platform_extra = &connection.platform.1;
        let platform = self.platform_client(&connection.platform);
        let google = self.google_client(&connection.google.0);
        let me = &platform_extra.me;
        let config = Config {
            identity: connection.identity.clone(),
            platform_name: me.platform_name.clone(),
            client_names_allowed: me.client_names_allowed,
            features: me.features.clone(),
            device_id,
            device_name: device_name(),
            app_version: env!("CARGO_PKG_VERSION").into(),
        };
        let ledger = Arc::new(self.database.ledger(connection.id.clone()));
        let engine = Arc::new(Engine::new(
            Arc::clone(&platform) as Arc<dyn PlatformPort>,
            Arc::clone(&google) as Arc<dyn roundtrip_engine::ports::CalendarPort>,
            ledger,
            Arc::clone(&self.clock),
            config,
        ));
        (engine, platform, google)
    }

    /// The platform's client for an account.
    pub(super) fn platform_client(
        &self,
        (account, extra): &(Integration, PlatformExtra),
    ) -> Arc<PlatformClient> {
        let client = PlatformClient::new(
            Arc::clone(&self.http),
            Arc::clone(&self.clock),
            extra.metadata.clone(),
            self.vault(account),
        );
        Arc::new(client.in_zone(extra.me.time_zone))
    }

    /// Google's client for an account.
    pub(super) fn google_client(&self, account: &Integration) -> Arc<GoogleCalendar> {
        Arc::new(GoogleCalendar::new(
            Arc::clone(&self.http),
            Arc::clone(&self.clock),
            self.google.clone(),
            self.vault(account),
        ))
    }

    fn vault(&self, account: &Integration) -> Arc<StoreVault> {
        let vault = StoreVault::new(
            self.database.clone(),
            Arc::clone(&self.clock),
            account.provider,
            account.account_id.clone(),
        );
        Arc::new(vault.at(issuer_of(account)))
    }

    /// Keeps what the platform was last heard to say of us, for the next start.
    pub async fn keep_me(&self, running: &Running) {
        let Some((_, me)) = running.engine.live().me else {
            return;
        };
        let Some((integration, mut extra)) = self.accounts().await.platform else {
            return;
        };
        let identity = &running.engine.config().identity;
        let is_ours = integration.account_id == me.id.as_str()
            && same_name(&extra.metadata.issuer) == identity.platform;
        if extra.me != me && is_ours {
            extra.me = me;
            if let Ok(value) = serde_json::to_value(&extra) {
                // Another account may take its place meanwhile: then this one is not brought back without its tokens.
                if let Err(error) = self
                    .database
                    .integrations()
                    .replace_extra(&integration, &value, self.clock.now())
                    .await
                {
                    tracing::warn!(%error, "what the platform allows could not be kept");
                }
                self.tell(HostEvent::Changed);
            }
        }
    }
}

/// This laptop's name, as the admin sees it.
pub fn device_name() -> String {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    if name.is_empty() {
        "Laptop".into()
    } else {
        name.chars().take(60).collect()
    }
}
