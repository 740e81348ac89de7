//! Signing in: the system's browser, a loopback address, and what follows from the answer. One sign-in at a time.

use super::accounts::{GoogleExtra, PlatformExtra, issuer_of};
use super::vault::{PassingVault, for_store};
use super::{Host, HostEvent};
use crate::ipc::dto::{AppError, SignInView};
use roundtrip_engine::ledger::Trigger;
use roundtrip_engine::ports::{PlatformPort, PortError};
use roundtrip_google::Account;
use roundtrip_http::oauth::{
    LoopbackSignIn, OAuthConfig, SignInAttempt, SignInError, StoredTokens, TokenSet,
};
use roundtrip_platform::{DEEP_LINK_REDIRECT, DiscoveryError, PlatformClient, PlatformMetadata};
use roundtrip_store::{Integration, Provider};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The sign-in that goes on or has just ended.
#[derive(Default)]
pub struct Current {
    pub(crate) view: Option<SignInView>,
    /// Counts sign-ins: what an earlier one still has to say is not said of this one.
    number: u64,
    cancel: Option<CancellationToken>,
    /// Takes the `roundtrip://signin/platform` link, if this sign-in ends with one.
    link: Option<mpsc::Sender<String>>,
    /// Signed in with another account than before: waits for the trainer's word.
    other: Option<Box<Finished>>,
    /// The word on the other account is being carried out. Cancelled with the sign-in, so that what was asked is not kept.
    deciding: Option<CancellationToken>,
}

impl Current {
    /// Nobody is asked about another account any more, and what was answered is not carried out.
    fn forget_question(&mut self) {
        self.other = None;
        if let Some(deciding) = self.deciding.take() {
            deciding.cancel();
        }
    }
}

/// A sign-in that was begun: what to open, and how it ends.
pub struct Begun {
    /// The page for the system's browser.
    pub url: String,
    /// How it ended.
    pub ended: oneshot::Receiver<SignInView>,
}

/// A sign-in whose answer is in order, before it is kept.
struct Finished {
    integration: Integration,
    tokens: StoredTokens,
    service: Provider,
}

enum Waiting {
    Loopback(Box<LoopbackSignIn>),
    Link(Box<SignInAttempt>, mpsc::Receiver<String>),
}

type Opened = (Waiting, String, Option<mpsc::Sender<String>>);

impl Host {
    /// Begins a sign-in. The platform needs its address the first time.
    ///
    /// # Errors
    /// A problem that is known before the browser opens: the address, no client id, no port.
    pub async fn begin_sign_in(
        self: &Arc<Self>,
        service: Provider,
        address: Option<&str>,
    ) -> Result<Begun, AppError> {
        self.cancel_sign_in();
        let accounts = self.known_accounts().await?;
        let (config, metadata) = match service {
            Provider::Platform => {
                let known = accounts
                    .platform
                    .as_ref()
                    .map(|(_, extra)| extra.metadata.clone());
                let metadata = match (address.map(str::trim).filter(|text| !text.is_empty()), known) {
                    (Some(address), _) => roundtrip_platform::discover(self.http.as_ref(), address)
                        .await
                        .map_err(|error| discovery_problem(&error))?,
                    (None, Some(known)) => known,
                    (None, None) => return Err(problem("no_address", Some("address"))),
                };
                (metadata.sign_in(), Some(metadata))
            }
            Provider::Google => {
                if !self.google.has_client() {
                    return Err(problem("no_google_client", None));
                }
                let email = accounts
                    .google
                    .as_ref()
                    .and_then(|(known, _)| known.email.clone());
                (
                    email.map_or_else(
                        || self.google.sign_in(),
                        |email| self.google.sign_in_again(&email),
                    ),
                    None,
                )
            }
        };
        let (waiting, url, link) = self.open_attempt(service, config).await?;
        let cancel = CancellationToken::new();
        let (ended_tx, ended) = oneshot::channel();
        let view = view_of(service, "waiting", Some(url.clone()), None);
        let number = {
            let mut current = self.sign_in();
            current.number += 1;
            // One that began while this one was looking for its platform ends here.
            if let Some(other) = current.cancel.replace(cancel.clone()) {
                other.cancel();
            }
            current.view = Some(view.clone());
            current.link = link;
            current.forget_question();
            // Told before anybody else may change it: events come in the order in which it was so.
            self.tell(HostEvent::SignIn(view));
            current.number
        };
        let host = Arc::clone(self);
        tokio::spawn(async move {
            let answered = tokio::select! {
                () = cancel.cancelled() => Err(view_of(service, "cancelled", None, None)),
                answered = host.answer_of(service, waiting, metadata) => answered,
            };
            // No part of what follows is left out because somebody cancels: tokens that are kept, beside an engine that was
            // stopped for them and is not put together again, would be the end of syncing.
            let view = match answered {
                Ok(finished) => host.keep_or_ask(finished, &cancel).await,
                Err(view) => view,
            };
            host.sign_in_ended(number, &cancel, &view);
            // The caller may have gone away; the window has heard the event.
            let _ = ended_tx.send(view);
        });
        Ok(Begun { url, ended })
    }

    /// A newer sign-in has taken the place of this one: nothing is overwritten, and the window, which has been told that the
    /// newer one waits, hears no more of this one.
    fn sign_in_ended(&self, number: u64, cancel: &CancellationToken, view: &SignInView) {
        let mut current = self.sign_in();
        if current.number != number {
            return;
        }
        // What was cancelled leaves nothing to be shown.
        if !cancel.is_cancelled() {
            current.view = Some(view.clone());
            current.cancel = None;
        }
        current.link = None;
        self.tell(HostEvent::SignIn(view.clone()));
    }

    /// The browser could not be started for this page: said of the sign-in that waits for it, so that the window offers the
    /// link. None if that one is not the current one any more.
    pub fn say_no_browser(&self, url: &str) -> Option<SignInView> {
        let mut current = self.sign_in();
        let view = current.view.as_mut().filter(|view| view.state == "waiting")?;
        if view.url.as_deref() != Some(url) {
            return None;
        }
        view.problem = Some("no_browser".into());
        let view = view.clone();
        self.tell(HostEvent::SignIn(view.clone()));
        Some(view)
    }

    /// At another try the browser could be started.
    pub fn browser_opened(&self) {
        let mut current = self.sign_in();
        let waiting = current
            .view
            .as_mut()
            .filter(|view| view.state == "waiting" && view.problem.is_some());
        if let Some(view) = waiting {
            view.problem = None;
            let view = view.clone();
            self.tell(HostEvent::SignIn(view));
        }
    }

    /// What to open, how its answer comes, and where a link is to be handed in if it comes as one.
    async fn open_attempt(&self, service: Provider, config: OAuthConfig) -> Result<Opened, AppError> {
        match LoopbackSignIn::begin(config.clone(), Arc::clone(&self.clock)).await {
            Ok(attempt) => {
                let url = attempt.authorize_url().to_string();
                Ok((Waiting::Loopback(Box::new(attempt)), url, None))
            }
            // No port of this laptop may be opened: the platform can also end with a link.
            Err(SignInError::NoPort) if service == Provider::Platform => {
                let attempt = SignInAttempt::begin(config, DEEP_LINK_REDIRECT, self.clock.now())
                    .map_err(|error| sign_in_problem(&error))?;
                let url = attempt.authorize_url().to_string();
                let (link, links) = mpsc::channel(4);
                Ok((Waiting::Link(Box::new(attempt), links), url, Some(link)))
            }
            Err(error) => Err(sign_in_problem(&error)),
        }
    }

    /// The answer of the browser and what it leads to, in order and not kept yet; or how it ended without one.
    async fn answer_of(
        &self,
        service: Provider,
        waiting: Waiting,
        metadata: Option<PlatformMetadata>,
    ) -> Result<Finished, SignInView> {
        let tokens = match waiting {
            Waiting::Loopback(attempt) => attempt.wait(self.http.as_ref()).await,
            Waiting::Link(attempt, links) => self.wait_for_link(*attempt, links).await,
        };
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(SignInError::Expired) => {
                return Err(view_of(service, "timed_out", None, Some("timed_out")));
            }
            Err(error) => {
                return Err(view_of(
                    service,
                    "failed",
                    None,
                    Some(&sign_in_problem(&error).code),
                ));
            }
        };
        let finished = match service {
            Provider::Platform => self.finish_platform(tokens, metadata).await,
            Provider::Google => self.finish_google(tokens).await,
        };
        finished.map_err(|code| view_of(service, "failed", None, Some(&code)))
    }

    async fn wait_for_link(
        &self,
        mut attempt: SignInAttempt,
        mut links: mpsc::Receiver<String>,
    ) -> Result<TokenSet, SignInError> {
        let left = (attempt.expires_at() - self.clock.now())
            .to_std()
            .unwrap_or_default();
        let code = tokio::time::timeout(left, async {
            loop {
                let Some(link) = links.recv().await else {
                    return Err(SignInError::Expired);
                };
                match attempt.complete_from_url(&link, self.clock.now()) {
                    Ok(code) => return Ok(code),
                    // A link that is not the answer to ours changes nothing.
                    Err(SignInError::StateMismatch | SignInError::WrongAddress | SignInError::Incomplete) => {
                    }
                    Err(error) => return Err(error),
                }
            }
        })
        .await
        .map_err(|_| SignInError::Expired)??;
        attempt
            .exchange(code, self.http.as_ref(), self.clock.as_ref())
            .await
    }

    async fn finish_platform(
        &self,
        tokens: TokenSet,
        metadata: Option<PlatformMetadata>,
    ) -> Result<Finished, String> {
        let metadata = metadata.ok_or("no_address")?;
        let vault = Arc::new(PassingVault::holding(tokens.into()));
        let client = PlatformClient::new(
            Arc::clone(&self.http),
            Arc::clone(&self.clock),
            metadata.clone(),
            Arc::clone(&vault) as Arc<dyn roundtrip_http::oauth::TokenVault>,
        );
        let me = client
            .me()
            .await
            .map_err(|error| port_problem(&error).to_owned())?;
        drop(client);
        let tokens = vault.take().ok_or("wrong_answer")?;
        let mut integration = Integration::new(Provider::Platform, me.id.as_str());
        integration.email = Some(me.email.clone());
        integration.display_name = Some(me.platform_name.clone());
        integration.scopes = tokens.scopes.iter().cloned().collect();
        integration.extra = serde_json::to_value(PlatformExtra {
            metadata,
            me,
            leaving: None,
        })
        .map_err(|_| "wrong_answer".to_owned())?;
        Ok(Finished {
            integration,
            tokens,
            service: Provider::Platform,
        })
    }

    async fn finish_google(&self, tokens: TokenSet) -> Result<Finished, String> {
        if !Account::missing_rights(&tokens).is_empty() {
            return Err("calendar_right_missing".into());
        }
        let account = Account::of(&tokens, &self.google).map_err(|error| port_problem(&error).to_owned())?;
        let known = self.known_accounts().await;
        let known = known.map_err(|error| AppError::from(error).code)?.google;
        // The chosen calendar belongs to the account: it is kept only for the same one.
        let extra = known
            .filter(|(known, _)| known.account_id == account.subject)
            .map_or_else(GoogleExtra::default, |(_, extra)| GoogleExtra {
                // Whoever signs in again has not left.
                leaving: None,
                ..extra
            });
        let tokens = StoredTokens::from(tokens);
        let mut integration = Integration::new(Provider::Google, account.subject);
        integration.email = account.email;
        integration.display_name = Some("Google Calendar".into());
        integration.scopes = tokens.scopes.iter().cloned().collect();
        integration.extra = serde_json::to_value(extra).map_err(|_| "wrong_answer".to_owned())?;
        Ok(Finished {
            integration,
            tokens,
            service: Provider::Google,
        })
    }

    /// Another account than before is never taken silently: both addresses are named, and the trainer decides. Up to here
    /// `cancel` ends the sign-in, and nothing of it is kept.
    async fn keep_or_ask(self: &Arc<Self>, finished: Finished, cancel: &CancellationToken) -> SignInView {
        // Another one that is being kept may change who is signed in.
        let _kept = self.keeping.lock().await;
        // Without knowing who is signed in nobody takes their place.
        let accounts = match self.known_accounts().await {
            Ok(accounts) => accounts,
            Err(error) => {
                let code = AppError::from(error).code;
                return view_of(finished.service, "failed", None, Some(&code));
            }
        };
        let known = match finished.service {
            Provider::Platform => accounts.platform.map(|(known, _)| known),
            Provider::Google => accounts.google.map(|(known, _)| known),
        };
        if let Some(known) = known.filter(|known| !is_same_account(known, &finished.integration)) {
            let mut view = view_of(finished.service, "failed", None, Some("other_account"));
            view.accounts = Some(names(&known, &finished.integration));
            let mut current = self.sign_in();
            if cancel.is_cancelled() {
                return view_of(finished.service, "cancelled", None, None);
            }
            current.other = Some(Box::new(finished));
            return view;
        }
        if !self.is_past_cancelling(cancel) {
            return view_of(finished.service, "cancelled", None, None);
        }
        self.keep(finished).await
    }

    /// The point of no return: who cancels from here on finds nothing to cancel. False if somebody did before.
    fn is_past_cancelling(&self, cancel: &CancellationToken) -> bool {
        let mut current = self.sign_in();
        // A newer sign-in that takes the place of this one cancels it, too: what is here now is of this one.
        let goes_on = !cancel.is_cancelled();
        if goes_on {
            current.cancel = None;
            current.link = None;
        }
        goes_on
    }

    async fn keep(self: &Arc<Self>, finished: Finished) -> SignInView {
        let now = self.clock.now();
        let service = finished.service;
        let integrations = self.database.integrations();
        // What still runs for another platform would find these tokens under its own trainer's id, and send them there.
        let known = match self.known_accounts().await {
            Ok(known) => known,
            Err(error) => {
                // Whoever was asked about another account has it stopped already.
                self.rebuild().await;
                let code = AppError::from(error).code;
                return view_of(service, "failed", None, Some(&code));
            }
        };
        let replaced = known
            .of(service)
            .is_some_and(|known| !is_same_account(known, &finished.integration));
        if replaced {
            self.stop_and_wait().await;
        }
        // A refresh of the same account that is under way ends first, so that nothing it keeps takes the place of these.
        let lock = self.database.refresh_lock(service).await;
        if let Err(error) = &lock {
            tracing::warn!(%error, %service, "a sign-in is kept without waiting for a refresh");
        }
        // The account before goes in the same moment. Its links stay in the ledger.
        let kept = integrations
            .put_with_tokens(&finished.integration, &for_store(&finished.tokens), now)
            .await;
        drop(lock);
        if let Err(error) = kept {
            tracing::warn!(%error, %service, "sign-in could not be kept");
            self.rebuild().await;
            return view_of(service, "failed", None, Some("keychain"));
        }
        let details = serde_json::json!({ "service": service.as_str() });
        if let Err(error) = self.database.audit(None, "sign_in", &details, now).await {
            tracing::warn!(%error, "audit log could not be written");
        }
        // What is under way may take minutes to end: that the sign-in is kept is seen before that.
        self.tell(HostEvent::Changed);
        self.rebuild().await;
        // A start that nobody waits for may be put off. Whoever signs in waits, though the browser is in front and not the window.
        if let Some(running) = self.running().await {
            running.engine.ask_for(Trigger::Start);
        }
        view_of(service, "done", None, None)
    }

    /// The trainer's word on another account; none if nobody waits for it.
    ///
    /// # Errors
    /// `moves_waiting` if moves would stay behind with the account before and it is not to happen `even_so`: then the question
    /// stays open. `not_possible` while an earlier word is still carried out, for there is nothing left to answer.
    pub async fn confirm_other_account(
        self: &Arc<Self>,
        accept: bool,
        even_so: bool,
    ) -> Result<Option<SignInView>, AppError> {
        let (finished, number, deciding) = {
            let mut current = self.sign_in();
            if current.deciding.is_some() {
                return Err(problem("not_possible", None));
            }
            let Some(finished) = current.other.take() else {
                return Ok(None);
            };
            let deciding = CancellationToken::new();
            current.deciding = Some(deciding.clone());
            (finished, current.number, deciding)
        };
        let service = finished.service;
        // Both sides are read in full: that lasts, and the trainer may give the sign-in up meanwhile.
        let stopped = async {
            match self.running_soon().await? {
                Some(running) => self.stop_to_change(&running, even_so).await,
                None => Ok(()),
            }
        };
        if accept && let Err(error) = stopped.await {
            let mut current = self.sign_in();
            if !deciding.is_cancelled() {
                current.deciding = None;
                current.other = Some(finished);
            }
            return Err(error);
        }
        let _kept = self.keeping.lock().await;
        if deciding.is_cancelled() {
            // It was stopped for the other account, which nobody wants any more.
            self.rebuild().await;
            return Ok(Some(view_of(service, "cancelled", None, None)));
        }
        let view = if accept {
            self.keep(*finished).await
        } else {
            view_of(service, "cancelled", None, None)
        };
        let mut current = self.sign_in();
        if !deciding.is_cancelled() {
            current.deciding = None;
        }
        // Another sign-in began meanwhile: it is the one that is shown.
        if current.number == number {
            current.view = Some(view.clone());
            self.tell(HostEvent::SignIn(view.clone()));
        }
        Ok(Some(view))
    }

    /// Ends a sign-in that goes on; its port closes.
    pub fn cancel_sign_in(&self) {
        let mut current = self.sign_in();
        if let Some(cancel) = current.cancel.take() {
            cancel.cancel();
        }
        current.link = None;
        current.forget_question();
        current.view = None;
    }

    /// A `roundtrip://signin/platform` link arrived. It can only end a sign-in that this app began.
    pub fn sign_in_link(&self, link: &str) {
        if let Some(waiting) = &self.sign_in().link {
            // Full: somebody floods us with links; the right one fits in later.
            let _ = waiting.try_send(link.to_owned());
        }
    }
}

/// The same trainer of the same platform, or the same Google account: what it is known by is ours already. Two platforms may
/// have given two trainers one id.
fn is_same_account(known: &Integration, other: &Integration) -> bool {
    known.account_id == other.account_id && issuer_of(known) == issuer_of(other)
}

/// Both addresses; with the platforms' own where the trainer has the same one at both.
fn names(known: &Integration, other: &Integration) -> (String, String) {
    let email = |account: &Integration| account.email.clone().unwrap_or_default();
    if email(known) != email(other) {
        return (email(known), email(other));
    }
    let at = |account: &Integration| match issuer_of(account) {
        Some(issuer) => format!("{} ({issuer})", email(account)),
        None => email(account),
    };
    (at(known), at(other))
}

fn view_of(service: Provider, state: &str, url: Option<String>, problem: Option<&str>) -> SignInView {
    // At the platform it is the address that was typed; nobody types Google's.
    let problem = match (problem, service) {
        (Some("wrong_certificate"), Provider::Google) => Some("google_wrong_certificate"),
        (problem, _) => problem,
    };
    SignInView {
        service: service.as_str().into(),
        state: state.into(),
        url,
        problem: problem.map(str::to_owned),
        accounts: None,
    }
}

fn problem(code: &str, field: Option<&str>) -> AppError {
    AppError {
        code: code.into(),
        detail: None,
        field: field.map(str::to_owned),
        retryable: false,
    }
}

/// Stable code of what is wrong with a platform address.
fn discovery_problem(error: &DiscoveryError) -> AppError {
    let (code, retryable) = match error {
        DiscoveryError::BadAddress => ("bad_address", false),
        DiscoveryError::NotReachable => ("unreachable", true),
        DiscoveryError::WrongCertificate => ("wrong_certificate", false),
        DiscoveryError::NotAPlatform => ("no_platform", false),
        DiscoveryError::BadAnswer { .. } => ("wrong_answer", false),
        DiscoveryError::Unsafe { .. } => ("unsafe_platform", false),
        DiscoveryError::Trouble { .. } => ("server_trouble", true),
    };
    AppError {
        retryable,
        ..problem(code, Some("address"))
    }
}

fn sign_in_problem(error: &SignInError) -> AppError {
    let code = match error {
        SignInError::Expired => "timed_out",
        SignInError::Denied { .. } => "access_denied",
        SignInError::WrongAddress
        | SignInError::StateMismatch
        | SignInError::AlreadyAnswered
        | SignInError::IssuerMismatch
        | SignInError::Incomplete
        | SignInError::CodeNotAccepted => "wrong_answer",
        SignInError::UnsafeAddress => "unsafe_platform",
        SignInError::NoPort => "no_port",
        SignInError::Service(error) => port_problem(error),
    };
    problem(code, None)
}

fn port_problem(error: &PortError) -> &'static str {
    match error {
        PortError::Unreachable { .. } => "unreachable",
        PortError::WrongCertificate => "wrong_certificate",
        PortError::ServerTrouble { .. } | PortError::Throttled { .. } => "server_trouble",
        PortError::SyncDisabled { .. } => "sync_disabled",
        _ => "wrong_answer",
    }
}

#[cfg(test)]
#[path = "sign_in_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sign_in_sandbox_tests.rs"]
mod sandbox_tests;
