//! One installation of Roundtrip.

use crate::clock::PatientClock;
use crate::{Cut, LaptopClock, Person, StoreVault, Wire};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::LOCATION;
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{Conflict, Resolution};
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::{AppointmentId, CalendarId, DeviceId};
use roundtrip_core::outbox::{Intent, OutboxRow};
use roundtrip_core::question::{Answer, Question};
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::ledger::{HistoryFilter, HistoryItem, HistoryWhat, SyncState, Trigger};
use roundtrip_engine::ports::{Clock, PlatformPort};
use roundtrip_engine::{AnswerError, AppointmentStatus, Config, CycleReport, Engine, Removals, Snapshot};
use roundtrip_google::{Account, GoogleCalendar, GoogleConfig};
use roundtrip_http::HttpPort;
use roundtrip_http::oauth::{LoopbackSignIn, OAuthConfig, SignInError, TokenSet};
use roundtrip_platform::{PlatformClient, PlatformMetadata};
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_store::{Database, EnvKey, Key, KeySource, Provider};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Where the services are, and for whom a laptop signs in.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) http: Arc<dyn HttpPort>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) metadata: PlatformMetadata,
    pub(crate) google: GoogleConfig,
    pub(crate) person: Person,
}

/// One installation: database, device id, sign-ins, engine.
pub struct Laptop {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The database.
    pub database: Database,
    /// The client of the platform.
    pub platform: Arc<PlatformClient>,
    /// The client of the calendar.
    pub google: Arc<GoogleCalendar>,
    /// Tokens of the platform.
    pub platform_vault: Arc<StoreVault>,
    /// Tokens of the calendar.
    pub google_vault: Arc<StoreVault>,
    /// Its clock.
    pub clock: Arc<LaptopClock>,
    /// Its way to the services.
    pub wire: Arc<Wire>,
    /// What does not change while the connection lives.
    pub config: Config,
    services: Services,
    dir: Arc<TempDir>,
    boot: u64,
}

/// What a laptop is before anybody signed in on it.
struct Bare {
    services: Services,
    dir: Arc<TempDir>,
    database: Database,
    clock: Arc<LaptopClock>,
    wire: Arc<Wire>,
    boot: u64,
}

impl Bare {
    async fn on(services: &Services, dir: Arc<TempDir>, device: &str, boot: u64) -> Self {
        // Laptops and starts differ in their chances, each is the same in every run.
        let seed = device
            .bytes()
            .fold(boot, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let clock = Arc::new(LaptopClock::new(services.clock.clone(), seed));
        let keys = KeySource::with_provider(EnvKey::fixed(Key::new([7; 32])));
        let database = Database::open(dir.path(), keys, clock.now())
            .await
            .expect("a database in a fresh folder");
        let wire = Arc::new(Wire::new(services.http.clone()));
        Self {
            services: services.clone(),
            dir,
            database,
            clock,
            wire,
            boot,
        }
    }

    fn platform(&self, vault: Arc<StoreVault>) -> Arc<PlatformClient> {
        let (wire, clock) = (self.wire.clone(), self.clock.clone());
        Arc::new(PlatformClient::new(
            wire,
            clock,
            self.services.metadata.clone(),
            vault,
        ))
    }

    fn google(&self, vault: Arc<StoreVault>) -> Arc<GoogleCalendar> {
        let (wire, clock) = (self.wire.clone(), self.clock.clone());
        Arc::new(GoogleCalendar::new(
            wire,
            clock,
            self.services.google.clone(),
            vault,
        ))
    }

    fn vault(&self, provider: Provider, account: &str) -> Arc<StoreVault> {
        Arc::new(StoreVault::new(
            self.database.clone(),
            provider,
            account.to_owned(),
            self.clock.clone(),
        ))
    }

    fn assemble(self, config: Config) -> Laptop {
        let platform_vault = self.vault(Provider::Platform, config.identity.trainer.as_str());
        let google_vault = self.vault(Provider::Google, &config.identity.account);
        let platform = self.platform(platform_vault.clone());
        let google = self.google(google_vault.clone());
        let connection =
            roundtrip_store::Integration::new(Provider::Google, &*config.identity.account).connection();
        let ledger = Arc::new(self.database.ledger(connection));
        let engine = Arc::new(Engine::new(
            platform.clone(),
            google.clone(),
            ledger,
            self.clock.clone(),
            config.clone(),
        ));
        let Self {
            services,
            dir,
            database,
            clock,
            wire,
            boot,
        } = self;
        Laptop {
            engine,
            database,
            platform,
            google,
            platform_vault,
            google_vault,
            clock,
            wire,
            config,
            services,
            dir,
            boot,
        }
    }
}

impl Laptop {
    /// A fresh laptop on which the person has signed in to both services. It writes nothing before [`Laptop::start`].
    pub(crate) async fn set_up(services: &Services, device: &str) -> Self {
        let dir = Arc::new(tempfile::tempdir().expect("a folder for the test"));
        let bare = Bare::on(services, dir, device, 1).await;
        let person = services.person;

        let tokens = sign_in(&bare, services.google.sign_in(), person.google)
            .await
            .expect("Google's sign-in");
        let account = Account::of(&tokens, &services.google).expect("an id token");
        assert_eq!(Account::missing_rights(&tokens), Vec::<String>::new());
        let session = sign_in(&bare, services.metadata.sign_in(), person.email)
            .await
            .expect("the platform's sign-in");

        let platform = bare.platform(bare.vault(Provider::Platform, person.user));
        platform.keeper().adopt(session).await.expect("tokens are kept");
        let google = bare.google(bare.vault(Provider::Google, &account.subject));
        google.keeper().adopt(tokens).await.expect("tokens are kept");
        let me = platform.me().await.expect("the platform says who signed in");
        assert_eq!(me.id.as_str(), person.user);

        let identity = Identity {
            platform: services.metadata.issuer.clone(),
            trainer: me.id,
            account: account.subject,
            account_email: account.email.expect("the address was asked for"),
            calendar: CalendarId::new("primary"),
            former: Vec::new(),
        };
        bare.assemble(Config {
            identity,
            platform_name: me.platform_name,
            client_names_allowed: me.client_names_allowed,
            features: me.features,
            device_id: DeviceId::new(device),
            device_name: format!("{device} of the test"),
            app_version: "0.1.0".to_owned(),
        })
    }

    /// The same laptop after the power went or the app was closed: nothing but its disk is left.
    pub async fn restarted(&self) -> Self {
        let bare = Bare::on(
            &self.services,
            self.dir.clone(),
            self.config.device_id.as_str(),
            self.boot + 1,
        )
        .await;
        bare.assemble(self.config.clone())
    }

    /// The same laptop after its database was lost: the trainer signs in again.
    pub async fn without_database(&self) -> Self {
        Self::set_up(&self.services, self.config.device_id.as_str()).await
    }

    /// The same laptop after another calendar was chosen, whose ledger is empty; these were in use before.
    pub async fn without_database_in(&self, calendar: &str, former: &[&str]) -> Self {
        let fresh = self.without_database().await;
        let mut config = fresh.config.clone();
        config.identity.calendar = CalendarId::new(calendar);
        config.identity.former = former.iter().map(|id| CalendarId::new(*id)).collect();
        let device = config.device_id.as_str();
        let bare = Bare::on(&fresh.services, fresh.dir.clone(), device, fresh.boot + 1).await;
        bare.assemble(config)
    }

    /// The same laptop at a platform that lacks a feature.
    pub async fn without_feature(&self, feature: &str) -> Self {
        let mut config = self.config.clone();
        config.features.retain(|known| known != feature);
        let bare = Bare::on(
            &self.services,
            self.dir.clone(),
            config.device_id.as_str(),
            self.boot + 1,
        )
        .await;
        bare.assemble(config)
    }

    /// The folder of its data.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The trainer signs in to Google again.
    pub async fn reconnect_google(&self) {
        let config = self.services.google.sign_in_again(self.services.person.google);
        let tokens = self.sign_in(config).await.expect("Google's sign-in");
        self.google.keeper().adopt(tokens).await.expect("tokens are kept");
    }

    /// The trainer signs in to the platform again.
    pub async fn reconnect_platform(&self) {
        let mut config = self.services.metadata.sign_in();
        config
            .extra
            .push(("login_hint".to_owned(), self.services.person.email.to_owned()));
        let tokens = self.sign_in(config).await.expect("the platform's sign-in");
        self.platform
            .keeper()
            .adopt(tokens)
            .await
            .expect("tokens are kept");
    }

    /// A whole sign-in over HTTP: the browser follows the redirects to the loopback listener.
    ///
    /// # Errors
    /// As [`LoopbackSignIn::wait`].
    pub async fn sign_in(&self, config: OAuthConfig) -> Result<TokenSet, SignInError> {
        follow_sign_in(config, &self.clock, &*self.wire, &*self.services.http).await
    }

    /// "Start syncing", and the first cycle after it.
    pub async fn start(&self) -> CycleReport {
        self.sync().await;
        self.engine.start_syncing().await.expect("the ledger works");
        self.sync().await
    }

    /// One cycle for this reason.
    pub async fn cycle(&self, trigger: Trigger) -> CycleReport {
        self.engine.cycle(trigger).await.expect("the ledger works")
    }

    /// "Sync now".
    pub async fn sync(&self) -> CycleReport {
        self.cycle(Trigger::Manual).await
    }

    /// "Sync now", and then every cycle that becomes due within twelve minutes: settle times, retries, waits.
    pub async fn settle(&self) -> CycleReport {
        let mut report = self.sync().await;
        for _ in 0..60 {
            match report.next_due_at {
                Some(due) if due - self.clock.now() <= TimeDelta::minutes(12) => {
                    if self.clock.now() < due {
                        self.services.clock.set(due);
                    }
                    report = self.cycle(Trigger::Due).await;
                }
                _ => return report,
            }
        }
        panic!("it never settles: {report:?}");
    }

    /// Runs a cycle in which the power goes at the write after the next `writes` ones. Gives the laptop as it starts again,
    /// or `None` if the cycle ended before so much was written; then the power stays on.
    pub async fn sync_or_lose_power(&self, writes: usize, cut: Cut) -> Option<Self> {
        self.wire.cut_power(writes, cut);
        self.sync_until_dark().await
    }

    /// As [`Laptop::sync_or_lose_power`], with the power going after the answer to a request to this path.
    pub async fn sync_or_lose_power_after(&self, path: &str) -> Option<Self> {
        self.wire.cut_power_after(path);
        self.sync_until_dark().await
    }

    async fn sync_until_dark(&self) -> Option<Self> {
        let engine = self.engine.clone();
        let running = tokio::spawn(async move { engine.cycle(Trigger::Manual).await.map(|_| ()) });
        let gone = tokio::select! {
            () = self.wire.power_gone() => true,
            () = async { while !running.is_finished() { tokio::task::yield_now().await; } } => false,
        };
        if !gone {
            self.wire.keep_power();
            return None;
        }
        running.abort();
        // Whether it ended or was ended: it is over.
        let _ = running.await;
        Some(self.restarted().await)
    }

    /// Everything the window shows.
    pub async fn snapshot(&self) -> Snapshot {
        self.engine.snapshot().await.expect("the ledger works")
    }

    /// What the window says about one appointment.
    ///
    /// # Panics
    /// If it says nothing.
    pub async fn status(&self, id: &str) -> AppointmentStatus {
        let mut all = self.snapshot().await.appointments;
        all.retain(|status| status.record.appointment_id.as_str() == id);
        all.pop()
            .unwrap_or_else(|| panic!("the window knows nothing of {id}"))
    }

    /// The badge of one appointment and its reason.
    pub async fn badge(&self, id: &str) -> (Badge, Option<String>) {
        let status = self.status(id).await;
        (status.badge, status.reason)
    }

    /// What the ledger knows about one appointment.
    pub async fn record(&self, id: &str) -> Option<Record> {
        self.engine
            .ledger()
            .record(&AppointmentId::new(id))
            .await
            .expect("the ledger works")
    }

    /// The writes that wait.
    pub async fn outbox(&self) -> Vec<OutboxRow> {
        self.engine.ledger().outbox().await.expect("the ledger works")
    }

    /// Where the next listings start, and when both sides were last read.
    pub async fn state(&self) -> SyncState {
        self.snapshot().await.state
    }

    /// Open conflicts.
    pub async fn conflicts(&self) -> Vec<Conflict> {
        self.snapshot().await.conflicts
    }

    /// The open conflict of one appointment.
    ///
    /// # Panics
    /// If there is none.
    pub async fn conflict(&self, id: &str) -> Conflict {
        let mut all = self.conflicts().await;
        all.retain(|conflict| conflict.appointment_id.as_str() == id);
        all.pop().unwrap_or_else(|| panic!("{id} has no open conflict"))
    }

    /// Answers the open conflict of an appointment as it is shown now.
    ///
    /// # Errors
    /// As [`Engine::resolve_conflict`].
    pub async fn resolve(&self, id: &str, resolution: Resolution) -> Result<(), AnswerError> {
        let conflict = self.conflict(id).await;
        self.engine
            .resolve_conflict(&conflict.id, &conflict.seen, &resolution)
            .await
    }

    /// Open questions.
    pub async fn questions(&self) -> Vec<Question> {
        self.snapshot().await.questions
    }

    /// Answers the one open question.
    ///
    /// # Panics
    /// If there is none, or more than one.
    pub async fn answer(&self, answer: Answer) {
        let questions = self.questions().await;
        let [question] = questions.as_slice() else {
            panic!("one open question: {questions:?}")
        };
        self.engine
            .answer_question(&question.id, answer)
            .await
            .expect("an open question takes an answer");
    }

    /// "Put back".
    ///
    /// # Errors
    /// As [`Engine::put_back`].
    pub async fn put_back(&self, id: &str) -> Result<(), AnswerError> {
        self.engine.put_back(&AppointmentId::new(id)).await
    }

    /// Changes settings as the window does: what goes by it is previewed, and confirmed with its number.
    pub async fn set(&self, change: impl FnOnce(&mut SyncSettings)) {
        let before = self.engine.ledger().settings().await.expect("the ledger works");
        let mut after = before.clone();
        change(&mut after);
        let preview = self.engine.preview_change(&before, after.clone()).await;
        let decisions = preview.expect("the ledger works").decisions;
        let removed = decisions.into_iter().filter(|decision| {
            let deletes = |intent: &Intent| matches!(intent, Intent::Delete { .. });
            decision.intents.iter().any(deletes)
        });
        let removed = removed.map(|decision| decision.record.appointment_id).collect();
        self.engine
            .change_settings(|_| after, Removals::Of(removed))
            .await
            .expect("the ledger works");
    }

    /// Changes settings without a confirmation.
    pub async fn set_unconfirmed(&self, change: impl FnOnce(&mut SyncSettings)) {
        let mut settings = self.engine.ledger().settings().await.expect("the ledger works");
        change(&mut settings);
        self.engine
            .change_settings(|_| settings, Removals::Unconfirmed)
            .await
            .expect("the ledger works");
    }

    /// Appointments whose events are held back from deletion, as the window shows them.
    pub async fn held(&self) -> Vec<String> {
        let held = self.snapshot().await.held;
        held.into_iter()
            .map(|shown| shown.appointment.to_string())
            .collect()
    }

    /// The whole history, oldest first.
    pub async fn history(&self) -> Vec<HistoryItem> {
        let filter = HistoryFilter {
            limit: 10_000,
            ..HistoryFilter::default()
        };
        let mut items = self
            .engine
            .ledger()
            .history(&filter)
            .await
            .expect("the ledger works");
        items.reverse();
        items
    }

    /// What happened to one appointment, oldest first.
    pub async fn story(&self, id: &str) -> Vec<HistoryWhat> {
        let mine = |item: &HistoryItem| {
            item.appointment_id
                .as_ref()
                .is_some_and(|known| known.as_str() == id)
        };
        self.history()
            .await
            .into_iter()
            .filter(mine)
            .map(|item| item.what)
            .collect()
    }

    /// The time by the laptop's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

async fn sign_in(bare: &Bare, mut config: OAuthConfig, hint: &str) -> Result<TokenSet, SignInError> {
    config.extra.push(("login_hint".to_owned(), hint.to_owned()));
    follow_sign_in(config, &bare.clock, &*bare.wire, &*bare.services.http).await
}

async fn follow_sign_in(
    config: OAuthConfig,
    clock: &Arc<LaptopClock>,
    app: &dyn HttpPort,
    browser: &dyn HttpPort,
) -> Result<TokenSet, SignInError> {
    let attempt = LoopbackSignIn::begin(config, Arc::new(PatientClock(clock.clone()))).await?;
    let page = attempt.authorize_url().to_string();
    let (tokens, ()) = tokio::join!(attempt.wait(app), follow_redirects(browser, page));
    tokens
}

/// What a browser does with a page that answers by redirects.
async fn follow_redirects(http: &dyn HttpPort, mut address: String) {
    for _ in 0..5 {
        let request = http::Request::get(&address)
            .body(Bytes::new())
            .expect("an address");
        // The listener may close before its page was read.
        let Ok(answer) = http.send(request).await else {
            return;
        };
        match answer
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
        {
            Some(next) => address = next.to_owned(),
            None => return,
        }
    }
}
