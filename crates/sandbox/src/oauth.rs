//! The model of an authorization server, shared by the platform and Google: authorization code with PKCE for native
//! apps, refresh with or without rotation, revocation.
//!
//! It knows no HTTP and no pages. A service validates an [`AuthorizeRequest`] with [`Server::validate`], lets a
//! person decide, and ends with [`Server::approve`] or [`Server::deny`], which give the address to redirect to.
//! *Session* here: what one sign-in started and its refresh tokens carry on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use crate::faults::Service;
use crate::history;
use crate::shared::{Shared, lock};

#[cfg(test)]
mod tests;
mod types;

pub use types::{
    Access, AccessError, AuthorizeError, AuthorizeRequest, Client, Config, Loopback, SessionInfo, TokenError,
    TokenGrant, TokenRequest, ValidRequest,
};

struct Code {
    request: ValidRequest,
    account: String,
    granted: Vec<String>,
    expires_at: DateTime<Utc>,
    /// The session it was redeemed for.
    redeemed: Option<u64>,
}

struct Session {
    info: SessionInfo,
    /// Number of the newest refresh token.
    generation: u64,
    /// The newest refresh token itself.
    refresh_token: String,
    /// Whether the newest refresh token, or an access token issued with it, was used. Until then the one before it
    /// stays valid: its answer may have been lost on the way.
    newest_used: bool,
}

struct Issued {
    session: u64,
    generation: u64,
}

struct AccessToken {
    issued: Issued,
    scopes: Vec<String>,
    expires_at: DateTime<Utc>,
}

#[derive(Default)]
struct State {
    last_session: u64,
    codes: BTreeMap<String, Code>,
    sessions: BTreeMap<u64, Session>,
    refresh_tokens: BTreeMap<String, Issued>,
    access_tokens: BTreeMap<String, AccessToken>,
}

/// One service's authorization server. Cloning shares the same state.
#[derive(Clone)]
pub struct Server {
    shared: Shared,
    config: Arc<Mutex<Config>>,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// A server nobody has signed in to.
    pub fn new(shared: Shared, config: Config) -> Self {
        Self {
            shared,
            config: Arc::new(Mutex::new(config)),
            state: Arc::default(),
        }
    }

    /// Checks a request for authorization; nothing is stored.
    pub fn validate(&self, request: &AuthorizeRequest) -> Result<ValidRequest, AuthorizeError> {
        let config = lock(&self.config);
        let page = |code, message: &str| AuthorizeError::Page {
            code,
            message: message.to_owned(),
        };
        let client_id = request.client_id.clone().unwrap_or_default();
        let client = config.clients.iter().find(|client| client.id == client_id);
        let client = client.ok_or_else(|| page("invalid_client", "The OAuth client was not found."))?;
        let redirect_uri = request.redirect_uri.clone().unwrap_or_default();
        if !redirect_allowed(client, &redirect_uri) {
            let message = format!("The redirect address {redirect_uri:?} is not registered for this client.");
            return Err(AuthorizeError::Page {
                code: "redirect_uri_mismatch",
                message,
            });
        }
        let state = request.state.as_deref();
        let refuse = |error: &str, description: &str| {
            let parameters = [("error", error), ("error_description", description)];
            Err(AuthorizeError::Redirect(redirect_with(
                &redirect_uri,
                &parameters,
                state,
            )))
        };
        if request.response_type.as_deref() != Some("code") {
            return refuse(
                "unsupported_response_type",
                "Only response_type=code is supported.",
            );
        }
        let challenge = request.code_challenge.as_deref().unwrap_or_default();
        if request.code_challenge_method.as_deref() != Some("S256") || challenge.len() != 43 {
            return refuse(
                "invalid_request",
                "PKCE with code_challenge_method=S256 is required.",
            );
        }
        let mut scopes = Vec::<String>::new();
        for scope in request.scope.as_deref().unwrap_or_default().split_whitespace() {
            if !config.scopes.is_empty() && !config.scopes.iter().any(|known| known == scope) {
                return refuse("invalid_scope", "A scope that was asked for does not exist.");
            }
            if !scopes.iter().any(|seen| seen == scope) {
                scopes.push(scope.to_owned());
            }
        }
        if scopes.is_empty() {
            return refuse("invalid_scope", "At least one scope is required.");
        }
        Ok(ValidRequest {
            client_id,
            redirect_uri: redirect_uri.clone(),
            scopes,
            state: request.state.clone(),
            login_hint: request.login_hint.clone(),
            nonce: request.nonce.clone(),
            code_challenge: challenge.to_owned(),
        })
    }

    /// The person agreed: makes a code. `extra` is added to the redirect (Google adds the granted `scope`).
    pub fn approve(
        &self,
        request: &ValidRequest,
        account: &str,
        granted: &[String],
        extra: &[(&str, &str)],
    ) -> String {
        let (prefix, ttl) = {
            let config = lock(&self.config);
            (config.code_prefix.clone(), config.code_ttl)
        };
        let code = self.shared.random_id(&prefix);
        let record = Code {
            request: request.clone(),
            account: account.to_owned(),
            granted: granted.to_vec(),
            expires_at: self.shared.now() + ttl,
            redeemed: None,
        };
        lock(&self.state).codes.insert(code.clone(), record);
        let mut parameters = vec![("code", code.as_str())];
        parameters.extend_from_slice(extra);
        redirect_with(&request.redirect_uri, &parameters, request.state.as_deref())
    }

    /// The person declined.
    pub fn deny(&self, request: &ValidRequest) -> String {
        redirect_with(
            &request.redirect_uri,
            &[("error", "access_denied")],
            request.state.as_deref(),
        )
    }

    /// The token endpoint: redeems a code or refreshes.
    pub fn token(&self, request: &TokenRequest) -> Result<TokenGrant, TokenError> {
        let config = lock(&self.config).clone();
        let client_id = request
            .client_id
            .as_deref()
            .ok_or(TokenError::Missing("client_id"))?;
        let client = config.clients.iter().find(|client| client.id == client_id);
        let client = client.ok_or(TokenError::UnknownClient)?;
        if client.secret.is_some() && client.secret != request.client_secret {
            return Err(TokenError::WrongSecret);
        }
        match request.grant_type.as_deref() {
            Some("authorization_code") => self.redeem(&config, client, request),
            Some("refresh_token") => self.refresh(&config, client, request),
            Some(_) => Err(TokenError::UnsupportedGrantType),
            None => Err(TokenError::Missing("grant_type")),
        }
    }

    fn redeem(
        &self,
        config: &Config,
        client: &Client,
        request: &TokenRequest,
    ) -> Result<TokenGrant, TokenError> {
        let now = self.shared.now();
        let presented = request.code.as_deref().ok_or(TokenError::Missing("code"))?;
        let mut state = lock(&self.state);
        let state = &mut *state;
        let code = state.codes.get_mut(presented).ok_or(TokenError::BadCode)?;
        if let Some(session) = code.redeemed {
            // RFC 6749, 4.1.2: a code seen twice may have been stolen; what it gave is taken back.
            self.end_sessions(state, |candidate| candidate.info.id == session);
            return Err(TokenError::BadCode);
        }
        let in_order = code.request.client_id == client.id
            && request.redirect_uri.as_deref() == Some(code.request.redirect_uri.as_str())
            && now < code.expires_at;
        if !in_order {
            return Err(TokenError::BadCode);
        }
        let verifier = request
            .code_verifier
            .as_deref()
            .ok_or(TokenError::MissingVerifier)?;
        if !verifier_matches(verifier, &code.request.code_challenge) {
            return Err(TokenError::WrongVerifier);
        }
        code.redeemed = Some(state.last_session + 1);
        let (account, granted, nonce) = (
            code.account.clone(),
            code.granted.clone(),
            code.request.nonce.clone(),
        );
        let grant = self.open_session(config, state, &client.id, account, granted);
        Ok(TokenGrant { nonce, ..grant })
    }

    fn open_session(
        &self,
        config: &Config,
        state: &mut State,
        client_id: &str,
        account: String,
        scopes: Vec<String>,
    ) -> TokenGrant {
        state.last_session += 1;
        let id = state.last_session;
        let refresh_token = self.shared.random_id(&config.refresh_prefix);
        let info = SessionInfo {
            id,
            account,
            client_id: client_id.to_owned(),
            scopes,
            created_at: self.shared.now(),
            refreshes: 0,
            live: true,
        };
        state.refresh_tokens.insert(
            refresh_token.clone(),
            Issued {
                session: id,
                generation: 0,
            },
        );
        let session = Session {
            info: info.clone(),
            generation: 0,
            refresh_token: refresh_token.clone(),
            newest_used: false,
        };
        state.sessions.insert(id, session);
        self.note(config.service, &info, "signed_in");
        if let Some(limit) = config.max_sessions {
            self.end_oldest_sessions(state, &info, (config.service, limit));
        }
        TokenGrant {
            access_token: self.issue_access(config, state, id, 0, info.scopes.clone()),
            expires_in: config.access_ttl.num_seconds(),
            refresh_token: Some(refresh_token),
            scopes: info.scopes,
            account: info.account,
            client_id: info.client_id,
            nonce: None,
        }
    }

    fn refresh(
        &self,
        config: &Config,
        client: &Client,
        request: &TokenRequest,
    ) -> Result<TokenGrant, TokenError> {
        let presented = request
            .refresh_token
            .as_deref()
            .ok_or(TokenError::Missing("refresh_token"))?;
        let mut state = lock(&self.state);
        let state = &mut *state;
        let issued = state
            .refresh_tokens
            .get(presented)
            .ok_or(TokenError::BadRefreshToken)?;
        let (id, generation) = (issued.session, issued.generation);
        let session = state.sessions.get_mut(&id).ok_or(TokenError::BadRefreshToken)?;
        if !session.info.live || session.info.client_id != client.id {
            return Err(TokenError::BadRefreshToken);
        }
        let scopes = narrowed(&session.info.scopes, request.scope.as_deref())?;
        let newest = generation == session.generation;
        let before_unused = generation + 1 == session.generation && !session.newest_used;
        if config.rotation && !newest && !before_unused {
            // Two holders of one session: one of them is not the app.
            session.info.live = false;
            self.note(config.service, &session.info, "ended");
            return Err(TokenError::BadRefreshToken);
        }
        if config.rotation && newest {
            session.generation += 1;
            session.newest_used = false;
            session.refresh_token = self.shared.random_id(&config.refresh_prefix);
            let successor = Issued {
                session: id,
                generation: session.generation,
            };
            state
                .refresh_tokens
                .insert(session.refresh_token.clone(), successor);
        }
        // A repeated refresh with the token before gets the same successor: there is one "new one" at a time.
        session.info.refreshes += 1;
        self.note(config.service, &session.info, "refreshed");
        let (generation, info) = (session.generation, session.info.clone());
        let refresh_token = config.rotation.then(|| session.refresh_token.clone());
        let access_token = self.issue_access(config, state, id, generation, scopes.clone());
        Ok(TokenGrant {
            access_token,
            expires_in: config.access_ttl.num_seconds(),
            refresh_token,
            scopes,
            account: info.account,
            client_id: info.client_id,
            nonce: None,
        })
    }

    fn issue_access(
        &self,
        config: &Config,
        state: &mut State,
        session: u64,
        generation: u64,
        scopes: Vec<String>,
    ) -> String {
        let token = self.shared.random_id(&config.access_prefix);
        let expires_at = self.shared.now() + config.access_ttl;
        let issued = Issued { session, generation };
        state.access_tokens.insert(
            token.clone(),
            AccessToken {
                issued,
                scopes,
                expires_at,
            },
        );
        token
    }

    /// What an access token stands for. Counts as its use.
    pub fn verify(&self, access_token: &str) -> Result<Access, AccessError> {
        let now = self.shared.now();
        let mut state = lock(&self.state);
        let state = &mut *state;
        let token = state
            .access_tokens
            .get(access_token)
            .ok_or(AccessError::Unknown)?;
        let session = state
            .sessions
            .get_mut(&token.issued.session)
            .ok_or(AccessError::Unknown)?;
        if !session.info.live {
            return Err(AccessError::Revoked);
        }
        if now >= token.expires_at {
            return Err(AccessError::Expired);
        }
        if token.issued.generation == session.generation {
            session.newest_used = true;
        }
        Ok(Access {
            account: session.info.account.clone(),
            client_id: session.info.client_id.clone(),
            scopes: token.scopes.clone(),
            session: session.info.id,
            expires_at: token.expires_at,
        })
    }

    /// RFC 7009: ends what an access or refresh token belongs to; `false` for a token that does not work anyway.
    pub fn revoke(&self, token: &str) -> bool {
        let whole_grant = lock(&self.config).revoke_whole_grant;
        let mut state = lock(&self.state);
        let access = state.access_tokens.get(token).map(|token| token.issued.session);
        let refresh = state.refresh_tokens.get(token).map(|issued| issued.session);
        let Some(id) = access.or(refresh) else {
            return false;
        };
        let Some(info) = state.sessions.get(&id).map(|session| session.info.clone()) else {
            return false;
        };
        if !info.live {
            return false;
        }
        self.end_sessions(&mut state, |session| {
            let same_grant = session.info.account == info.account && session.info.client_id == info.client_id;
            session.info.id == id || (whole_grant && same_grant)
        });
        true
    }

    /// Ends every session of one account. Returns how many were live.
    pub fn revoke_account(&self, account: &str) -> usize {
        self.end_sessions(&mut lock(&self.state), |session| session.info.account == account)
    }

    /// Ends every session. Returns how many were live.
    pub fn revoke_all(&self) -> usize {
        self.end_sessions(&mut lock(&self.state), |_| true)
    }

    /// Makes every access token handed out so far too old; refreshing still works.
    pub fn expire_access_tokens(&self) {
        let now = self.shared.now();
        for token in lock(&self.state).access_tokens.values_mut() {
            token.expires_at = token.expires_at.min(now);
        }
    }

    /// Lifetime of access tokens from now on.
    pub fn set_access_ttl(&self, ttl: TimeDelta) {
        lock(&self.config).access_ttl = ttl;
    }

    /// Whether sign-in pages are answered by an immediate redirect.
    pub fn auto_consent(&self) -> bool {
        lock(&self.config).auto_consent
    }

    /// Turns the immediate redirect on or off.
    pub fn set_auto_consent(&self, on: bool) {
        lock(&self.config).auto_consent = on;
    }

    /// All sessions, ended ones too, oldest first.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        lock(&self.state)
            .sessions
            .values()
            .map(|session| session.info.clone())
            .collect()
    }

    /// Forgets all codes, sessions and tokens.
    pub fn reset(&self) {
        *lock(&self.state) = State::default();
    }

    /// Signs in without any page, as if the whole flow had been gone through. For tests.
    pub fn sign_in_directly(&self, client_id: &str, account: &str, scopes: &[&str]) -> TokenGrant {
        let config = lock(&self.config).clone();
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.open_session(
            &config,
            &mut lock(&self.state),
            client_id,
            account.to_owned(),
            scopes,
        )
    }

    fn end_sessions(&self, state: &mut State, chosen: impl Fn(&Session) -> bool) -> usize {
        let service = lock(&self.config).service;
        let mut ended = 0;
        for session in state.sessions.values_mut().filter(|session| session.info.live) {
            if chosen(session) {
                session.info.live = false;
                ended += 1;
                self.note(service, &session.info, "ended");
            }
        }
        ended
    }

    fn end_oldest_sessions(
        &self,
        state: &mut State,
        newest: &SessionInfo,
        (service, limit): (Service, usize),
    ) {
        let same = |session: &&mut Session| {
            session.info.live
                && session.info.account == newest.account
                && session.info.client_id == newest.client_id
        };
        let live = state.sessions.values_mut().filter(same).count();
        let too_many = state.sessions.values_mut().filter(same);
        for session in too_many.take(live.saturating_sub(limit)) {
            session.info.live = false;
            self.note(service, &session.info, "ended");
        }
    }

    /// Tells the history what became of a sign-in.
    fn note(&self, service: Service, session: &SessionInfo, what: &'static str) {
        let account = session.account.clone();
        self.shared.history().add(
            (service, self.shared.now()),
            history::Actor::Service,
            history::Subject::Session { id: session.id },
            None,
            Some(history::State::Session { what, account }),
        );
    }
}

fn narrowed(granted: &[String], asked: Option<&str>) -> Result<Vec<String>, TokenError> {
    let Some(asked) = asked else {
        return Ok(granted.to_vec());
    };
    let asked: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
    if asked.iter().all(|scope| granted.contains(scope)) {
        Ok(asked)
    } else {
        Err(TokenError::ScopeExceeded)
    }
}

fn verifier_matches(verifier: &str, challenge: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    (43..=128).contains(&verifier.len())
        && verifier.chars().all(allowed)
        && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge
}

fn redirect_allowed(client: &Client, redirect_uri: &str) -> bool {
    if client
        .redirects
        .iter()
        .any(|registered| registered == redirect_uri)
    {
        return true;
    }
    let Ok(url) = Url::parse(redirect_uri) else {
        return false;
    };
    if url.scheme() != "http" || url.fragment().is_some() || !url.username().is_empty() {
        return false;
    }
    match &client.loopback {
        Loopback::Refused => false,
        // Compared as text too, so that "/callback/../callback" or a query does not pass.
        Loopback::Path(path) => {
            let exact = format!("http://127.0.0.1:{}{path}", url.port().unwrap_or(80));
            url.host_str() == Some("127.0.0.1") && redirect_uri == exact
        }
        Loopback::AnyPath => matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")),
    }
}

fn redirect_with(redirect_uri: &str, parameters: &[(&str, &str)], state: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    for (name, value) in parameters {
        query.append_pair(name, value);
    }
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{separator}{}", query.finish())
}
