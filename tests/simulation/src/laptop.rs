//! One installation of Roundtrip: it can crash at any await, start again, sleep, and lose its database.

use crate::clock::LaptopClock;
use crate::crowd::Crowd;
use crate::desk::Desk;
use crate::disk::{Disk, DiskLedger, DiskVault};
use crate::executor::{Group, Handle, TaskId};
use crate::stage::Stage;
use crate::wire::{Services, Wire};
use anyhow::Result;
use chrono::TimeDelta;
use roundtrip_behaviour_tests::{Person, StoreVault};
use roundtrip_engine::ports::Clock as _;
use roundtrip_engine::{Config, Engine};
use roundtrip_google::{GoogleCalendar, GoogleConfig};
use roundtrip_http::oauth::{StoredTokens, TokenSet, TokenStatus, TokenVault};
use roundtrip_platform::{PlatformClient, PlatformMetadata};
use roundtrip_sandbox::oauth::TokenGrant;
use roundtrip_store::{Integration, Provider, SqliteLedger};
use secrecy::SecretString;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What is the same for every laptop of a seed.
pub struct Surroundings {
    /// The stage.
    pub stage: Arc<Stage>,
    /// Starts and ends tasks.
    pub handle: Handle,
    /// Files and runtime.
    pub desk: Rc<Desk>,
    /// The services.
    pub services: Services,
    /// What the platform says of itself.
    pub metadata: PlatformMetadata,
    /// Where Google is.
    pub google: GoogleConfig,
    /// Who uses the laptops.
    pub person: Person,
    /// The seed.
    pub seed: u64,
    /// Whether this seed is one with masses.
    pub crowd: Option<Crowd>,
}

/// A laptop, running or not.
pub struct Laptop {
    /// Its number, from 0.
    pub index: usize,
    /// Its clock.
    pub clock: Arc<LaptopClock>,
    /// What does not change while it lives.
    pub config: Config,
    around: Rc<Surroundings>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    boots: u64,
    databases: u32,
    running: Option<Rc<Running>>,
    tasks: Vec<TaskId>,
    asleep: bool,
    disconnected: bool,
}

/// The app while it runs.
pub struct Running {
    /// Which start of the app.
    pub boot: u64,
    /// The engine.
    pub engine: Arc<Engine>,
    /// The client of the platform.
    pub platform: Arc<PlatformClient>,
    /// The client of the calendar.
    pub google: Arc<GoogleCalendar>,
    /// Tokens of the platform and of Google.
    pub vaults: [Arc<DiskVault<StoreVault>>; 2],
    /// Its disk.
    pub disk: Arc<Disk>,
}

impl Laptop {
    /// A laptop on which nothing runs yet.
    pub fn new(index: usize, config: Config, around: Rc<Surroundings>) -> Self {
        let clock = Arc::new(LaptopClock::new(
            around.stage.time.clone(),
            around.seed.wrapping_mul(31).wrapping_add(index as u64 + 77),
        ));
        Self {
            index,
            clock,
            config,
            around,
            state: RefCell::default(),
        }
    }

    /// Its tasks' group.
    pub fn group(&self) -> Group {
        self.index + 1
    }

    /// The app, if it runs.
    pub fn running(&self) -> Option<Rc<Running>> {
        self.state.borrow().running.clone()
    }

    /// True if its database was ever lost.
    pub fn database_was_lost(&self) -> bool {
        self.state.borrow().databases > 0
    }

    /// True while the lid is closed.
    pub fn is_asleep(&self) -> bool {
        self.state.borrow().asleep
    }

    /// True while the trainer has it disconnected.
    pub fn is_disconnected(&self) -> bool {
        self.state.borrow().disconnected
    }

    /// Remembers whether it is disconnected.
    pub fn set_disconnected(&self, yes: bool) {
        self.state.borrow_mut().disconnected = yes;
    }

    /// The name of its rows in the database: of this seed, laptop and life of the database.
    fn label(&self, life: u32) -> String {
        format!("{}-{}-{life}", self.around.seed, self.index)
    }

    /// The ledgers of its lost databases, oldest first: only the checker still sees them.
    pub fn lost_ledgers(&self) -> Vec<SqliteLedger> {
        let database = self.around.desk.database(self.index);
        let lives = 0..self.state.borrow().databases;
        lives
            .map(|life| database.ledger(Integration::new(Provider::Google, self.label(life)).connection()))
            .collect()
    }

    /// Starts the app; nothing happens before tasks are given to it.
    pub fn boot(&self) -> Rc<Running> {
        let boot = {
            let mut state = self.state.borrow_mut();
            state.boots += 1;
            state.boots
        };
        let around = &self.around;
        let life = self.state.borrow().databases;
        let label = self.label(life);
        around.stage.starts(self.index, life);
        let chance = around
            .seed
            .wrapping_mul(0x9E37_79B9)
            .wrapping_add(boot * 1_000 + self.index as u64);
        let stage = around.stage.clone();
        let disk = Arc::new(Disk::new(
            self.index,
            stage.clone(),
            around.desk.runtime.clone(),
            chance ^ 0xD15C,
        ));
        let wire = Arc::new(Wire::new(
            (self.index, boot, around.person.google),
            stage,
            around.services.clone(),
            self.clock.clone(),
            chance ^ 0x317E,
        ));
        let database = around.desk.database(self.index);
        let vault = |provider, which| {
            let inner = StoreVault::new(database.clone(), provider, label.clone(), self.clock.clone());
            Arc::new(DiskVault::new(inner, disk.clone(), which))
        };
        let vaults = [vault(Provider::Platform, 0), vault(Provider::Google, 1)];
        let platform = Arc::new(PlatformClient::new(
            wire.clone(),
            self.clock.clone(),
            around.metadata.clone(),
            vaults[0].clone(),
        ));
        let google = Arc::new(GoogleCalendar::new(
            wire,
            self.clock.clone(),
            around.google.clone(),
            vaults[1].clone(),
        ));
        let connection = Integration::new(Provider::Google, label).connection();
        let ledger = Arc::new(DiskLedger::new(database.ledger(connection), disk.clone()));
        let engine = Arc::new(Engine::new(
            platform.clone(),
            google.clone(),
            ledger,
            self.clock.clone(),
            self.config.clone(),
        ));
        let running = Rc::new(Running {
            boot,
            engine,
            platform,
            google,
            vaults,
            disk,
        });
        self.state.borrow_mut().running = Some(running.clone());
        running
    }

    /// Gives it a task that ends with the app.
    pub fn start(&self, work: impl Future<Output = ()> + 'static) {
        let id = self.around.handle.start(self.group(), work);
        self.state.borrow_mut().tasks.push(id);
    }

    /// The power goes, or the app is closed: every future of it is dropped at the await it is at.
    pub fn crash(&self) {
        let mut state = self.state.borrow_mut();
        for id in state.tasks.drain(..) {
            self.around.handle.end(id);
        }
        state.running = None;
    }

    /// Closes the database and opens it again. Only while the app does not run.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn reopen_database(&self) -> Result<()> {
        self.around.desk.reopen(self.index, self.clock.now())
    }

    /// The database is lost. Only while the app does not run.
    pub fn lose_database(&self) {
        self.state.borrow_mut().databases += 1;
    }

    /// The lid is closed for so long.
    pub async fn sleep(&self, time: TimeDelta) {
        self.state.borrow_mut().asleep = true;
        self.around.handle.freeze(self.group());
        let stage = &self.around.stage;
        stage.time.until(stage.now() + time).await;
        self.clock.has_slept(time);
        self.around.handle.thaw(self.group());
        self.state.borrow_mut().asleep = false;
    }

    /// The trainer signs in to both services; the tokens are put where a sign-in puts them.
    ///
    /// # Errors
    /// If they cannot be kept.
    pub async fn sign_in(&self, running: &Running) -> Result<()> {
        self.around.stage.signs_in(self.index);
        for (vault, grant) in running.vaults.iter().zip(self.grants()) {
            let set = self.tokens(grant);
            vault
                .save(&StoredTokens {
                    access_token: set.access_token,
                    refresh_token: set.refresh_token,
                    issued_at: set.issued_at,
                    expires_at: set.expires_at,
                    scopes: set.scopes,
                    status: TokenStatus::Active,
                })
                .await?;
        }
        Ok(())
    }

    /// The trainer signs in again, where the app asks for it.
    ///
    /// # Errors
    /// If the tokens cannot be kept.
    pub async fn sign_in_again(&self, running: &Running) -> Result<()> {
        self.around.stage.signs_in(self.index);
        let [platform, google] = self.grants();
        running.platform.keeper().adopt(self.tokens(platform)).await?;
        running.google.keeper().adopt(self.tokens(google)).await?;
        Ok(())
    }

    fn grants(&self) -> [TokenGrant; 2] {
        let (around, sandbox) = (&self.around, &self.around.stage.sandbox);
        let platform = sandbox.platform.sign_in_directly(around.person.user);
        let google = sandbox.google.oauth().sign_in_directly(
            &sandbox.google_client.client_id,
            around.person.google,
            &roundtrip_google::SCOPES,
        );
        [platform, google]
    }

    fn tokens(&self, grant: TokenGrant) -> TokenSet {
        let now = self.clock.now();
        TokenSet {
            access_token: SecretString::from(grant.access_token),
            refresh_token: grant.refresh_token.map(SecretString::from),
            issued_at: now,
            expires_at: now + TimeDelta::seconds(grant.expires_in),
            scopes: grant.scopes.into_iter().collect(),
            id_token: None,
        }
    }
}
