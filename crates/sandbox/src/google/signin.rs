//! Sign-in: the pages of the authorization endpoint, tokens, revocation, discovery, user info.

use super::scopes;
use super::wire::{JSON, bearer};
use super::{FIRST_ACCOUNT, Google};
use crate::faults::{ActiveFaults, Fault};
use crate::oauth::{AuthorizeError, AuthorizeRequest, TokenError, TokenGrant, TokenRequest, ValidRequest};
use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../pages/calendar_signin.html");
const ISSUER: &str = "https://accounts.google.com";

/// The routes of sign-in.
pub fn router() -> Router<Google> {
    Router::new()
        .route("/o/oauth2/v2/auth", get(authorize))
        .route("/o/oauth2/auth", get(authorize))
        .route("/o/oauth2/consent", post(consent))
        .route("/token", post(token))
        .route("/revoke", post(revoke))
        .route("/v1/userinfo", get(userinfo))
        .route("/oauth2/v3/userinfo", get(userinfo))
        .route("/oauth2/v3/certs", get(certs))
        .route("/.well-known/openid-configuration", get(configuration))
}

/// Pairs of a query or a form.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    fn authorize_request(&self) -> AuthorizeRequest {
        AuthorizeRequest {
            response_type: self.get("response_type"),
            client_id: self.get("client_id"),
            redirect_uri: self.get("redirect_uri"),
            scope: self.get("scope"),
            state: self.get("state"),
            code_challenge: self.get("code_challenge"),
            code_challenge_method: self.get("code_challenge_method"),
            login_hint: self.get("login_hint"),
            prompt: self.get("prompt"),
            access_type: self.get("access_type"),
            include_granted_scopes: self.get("include_granted_scopes"),
            nonce: self.get("nonce"),
        }
    }
}

async fn authorize(State(google): State<Google>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    if ["; wv)", "Tauri"].iter().any(|mark| agent.contains(mark)) {
        return error_page(
            StatusCode::FORBIDDEN,
            "disallowed_useragent",
            "Sign-in is not possible in an embedded view.",
        );
    }
    let request = form.authorize_request();
    let valid = match google.oauth().validate(&request) {
        Ok(valid) => valid,
        Err(error) => return refused(error),
    };
    let known = |email: &String| google.state().account(email).is_some();
    let hinted = request
        .login_hint
        .as_deref()
        .map(|hint| account_of_hint(&google, hint));
    if google.oauth().auto_consent() {
        let account = hinted.filter(known).unwrap_or_else(|| FIRST_ACCOUNT.to_owned());
        let allowed = google.state().auto_grant.clone();
        let asked = valid.scopes.iter().filter(|scope| {
            let canonical = scopes::canonical(scope);
            scopes::is_identity(scope)
                || allowed
                    .as_ref()
                    .is_none_or(|allowed| allowed.contains(&canonical))
        });
        let granted: Vec<String> = asked.cloned().collect();
        return redirect(&approve(&google, &valid, &account, &granted));
    }
    let select = request
        .prompt
        .as_deref()
        .unwrap_or_default()
        .contains("select_account");
    let chosen = form.get("authuser").or(hinted.filter(|_| !select)).filter(known);
    match chosen {
        Some(account) => consent_page(&google, &request, &valid, &account),
        None => picker_page(&google, &request),
    }
}

/// A hint may be an address or a `sub`.
fn account_of_hint(google: &Google, hint: &str) -> String {
    let state = google.state();
    let account = state
        .accounts
        .iter()
        .find(|account| account.sub == hint || account.email == hint);
    account.map_or_else(|| hint.to_owned(), |account| account.email.clone())
}

async fn consent(State(google): State<Google>, body: Bytes) -> Response {
    let form = Form::read(&body);
    let valid = match google.oauth().validate(&form.authorize_request()) {
        Ok(valid) => valid,
        Err(error) => return refused(error),
    };
    let account = form
        .get("account")
        .filter(|email| google.state().account(email).is_some());
    let Some(account) = account.filter(|_| form.get("decision").as_deref() == Some("allow")) else {
        return redirect(&google.oauth().deny(&valid));
    };
    let ticked = form.all("granted");
    let kept = valid
        .scopes
        .iter()
        .filter(|&scope| scopes::is_identity(scope) || ticked.contains(scope));
    let granted: Vec<String> = kept.cloned().collect();
    redirect(&approve(&google, &valid, &account, &granted))
}

fn approve(google: &Google, valid: &ValidRequest, account: &str, granted: &[String]) -> String {
    let mut names: Vec<String> = granted.iter().map(|scope| scopes::canonical(scope)).collect();
    // As the real one, the answer keeps no order: clients compare sets.
    names.sort();
    names.dedup();
    google
        .oauth()
        .approve(valid, account, &names, &[("scope", &names.join(" "))])
}

fn refused(error: AuthorizeError) -> Response {
    match error {
        AuthorizeError::Page { code, message } => error_page(StatusCode::BAD_REQUEST, code, &message),
        AuthorizeError::Redirect(url) => redirect(&url),
    }
}

fn redirect(url: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(url) = HeaderValue::from_str(url) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    response
}

fn page(status: StatusCode, title: &str, main: &str) -> Response {
    let text = PAGE
        .replace("{{title}}", &escape(title))
        .replace("{{main}}", main);
    (status, Html(text)).into_response()
}

fn error_page(status: StatusCode, code: &str, message: &str) -> Response {
    let main = format!(
        r#"<h1>Access blocked</h1><p>{}</p><p class="quiet">Error {}: <code data-error="{code}">{code}</code></p>"#,
        escape(message),
        status.as_u16(),
    );
    page(status, "Access blocked", &main)
}

fn picker_page(google: &Google, request: &AuthorizeRequest) -> Response {
    let mut main = String::from(
        r#"<h1>Choose an account</h1><p>to continue to <b>Roundtrip</b></p><ul class="accounts">"#,
    );
    for account in &google.state().accounts {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(request.fields());
        query.append_pair("authuser", &account.email);
        main.push_str(&format!(
            r#"<li><a data-account="{email}" href="/o/oauth2/v2/auth?{query}"><i>{initial}</i><span><b>{name}</b><br>{email}</span></a></li>"#,
            email = escape(&account.email),
            query = escape(&query.finish()),
            initial = escape(&account.name.chars().take(1).collect::<String>()),
            name = escape(&account.name),
        ));
    }
    main.push_str("</ul>");
    page(StatusCode::OK, "Choose an account", &main)
}

fn consent_page(
    google: &Google,
    request: &AuthorizeRequest,
    valid: &ValidRequest,
    account: &str,
) -> Response {
    let name = google
        .state()
        .account(account)
        .map(|account| account.name.clone())
        .unwrap_or_default();
    let mut main = format!(
        r#"<h1>Roundtrip wants access</h1><p class="who"><i>{}</i> {}</p><form method="post" action="/o/oauth2/consent">"#,
        escape(&name.chars().take(1).collect::<String>()),
        escape(account),
    );
    for (field, value) in request.fields() {
        main.push_str(&format!(
            r#"<input type="hidden" name="{field}" value="{}">"#,
            escape(value)
        ));
    }
    main.push_str(&format!(
        r#"<input type="hidden" name="account" value="{}">"#,
        escape(account)
    ));
    main.push_str(r#"<p>Select what Roundtrip can access:</p><ul class="scopes">"#);
    for scope in &valid.scopes {
        let (scope_text, text) = (escape(scope), escape(scopes::describe(scope)));
        main.push_str(&if scopes::is_identity(scope) {
            format!(r#"<li class="given"><span>✓</span> {text}</li>"#)
        } else {
            format!(
                r#"<li><label><input type="checkbox" name="granted" value="{scope_text}" data-scope="{scope_text}" checked> {text}</label></li>"#
            )
        });
    }
    main.push_str(
        r#"</ul><p class="buttons"><button name="decision" value="deny" data-action="cancel">Cancel</button>
        <button class="main" name="decision" value="allow" data-action="allow">Continue</button></p></form>"#,
    );
    page(StatusCode::OK, "Roundtrip wants access", &main)
}

/// Text made safe for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn json_response(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refusal(status: u16, error: &str, description: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    json_response(status, &json!({"error": error, "error_description": description}))
}

async fn token(
    State(google): State<Google>,
    faults: ActiveFaults,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&body);
    let basic = basic_credentials(&headers);
    let request = TokenRequest {
        grant_type: form.get("grant_type"),
        code: form.get("code"),
        redirect_uri: form.get("redirect_uri"),
        client_id: form.get("client_id").or(basic.as_ref().map(|(id, _)| id.clone())),
        client_secret: form.get("client_secret").or(basic.map(|(_, secret)| secret)),
        code_verifier: form.get("code_verifier"),
        refresh_token: form.get("refresh_token"),
        scope: form.get("scope"),
    };
    if let (true, Some(token)) = (faults.has(&Fault::TokenRevoked), &request.refresh_token) {
        google.oauth().revoke(token);
    }
    if faults.has(&Fault::RateLimited) || faults.has(&Fault::QuotaExceeded) {
        return refusal(403, "rate_limit_exceeded", "Rate limit exceeded.");
    }
    match google.oauth().token(&request) {
        Ok(grant) => json_response(StatusCode::OK, &token_answer(&google, &grant)),
        Err(error) => {
            let (status, name, description) = describe_token_error(error, &request);
            refusal(status, name, &description)
        }
    }
}

fn describe_token_error(error: TokenError, request: &TokenRequest) -> (u16, &'static str, String) {
    let begins =
        |text: &Option<String>, prefix: &str| text.as_deref().is_some_and(|text| text.starts_with(prefix));
    let description = match error {
        TokenError::UnknownClient => "The OAuth client was not found.".to_owned(),
        TokenError::WrongSecret if request.client_secret.is_none() => {
            return (400, "invalid_request", "client_secret is missing.".to_owned());
        }
        TokenError::WrongSecret => "Unauthorized".to_owned(),
        TokenError::UnsupportedGrantType => {
            format!(
                "Invalid grant_type: {}",
                request.grant_type.as_deref().unwrap_or_default()
            )
        }
        TokenError::Missing("client_id") => "Could not determine client ID from request.".to_owned(),
        TokenError::Missing(name) => format!("Missing required parameter: {name}"),
        TokenError::BadCode if begins(&request.code, "4/") => "Bad Request".to_owned(),
        TokenError::BadCode => "Malformed auth code.".to_owned(),
        TokenError::MissingVerifier => "Missing code verifier.".to_owned(),
        TokenError::WrongVerifier => "Invalid code verifier.".to_owned(),
        TokenError::BadRefreshToken if begins(&request.refresh_token, "1//") => {
            "Token has been expired or revoked.".to_owned()
        }
        TokenError::BadRefreshToken => "Bad Request".to_owned(),
        TokenError::ScopeExceeded => "Some requested scopes were invalid.".to_owned(),
    };
    (error.status(), error.code(), description)
}

/// `client_secret_basic`: both parts are form-encoded before they are joined (RFC 6749, 2.3.1).
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let pair = format!("v={part}");
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}

fn token_answer(google: &Google, grant: &TokenGrant) -> Value {
    let mut answer = json!({
        "access_token": grant.access_token,
        "expires_in": grant.expires_in,
        "scope": grant.scopes.join(" "),
        "token_type": "Bearer",
    });
    if let Some(token) = &grant.refresh_token {
        answer["refresh_token"] = json!(token);
    }
    if grant.scopes.iter().any(|scope| scope == "openid") {
        answer["id_token"] = json!(id_token(google, grant));
    }
    answer
}

/// Signed with the client's secret, as OpenID Connect allows for HS256: the stand-in has no key pair to publish.
fn id_token(google: &Google, grant: &TokenGrant) -> String {
    let now = google.now().timestamp();
    let hash = Sha256::digest(grant.access_token.as_bytes());
    let mut claims = json!({
        "iss": ISSUER,
        "azp": grant.client_id,
        "aud": grant.client_id,
        "at_hash": URL_SAFE_NO_PAD.encode(&hash[..16]),
        "iat": now,
        "exp": now + 3_600,
    });
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    if let (Some(claims), Value::Object(identity)) = (
        claims.as_object_mut(),
        identity(google, &grant.account, &grant.scopes),
    ) {
        claims.extend(identity);
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({"alg": "HS256", "typ": "JWT"})),
        part(&claims)
    );
    // HMAC takes keys of any length, so this cannot fail; without a signature the token would be refused.
    let signature = Hmac::<Sha256>::new_from_slice(google.config().client_secret.as_bytes())
        .map(|mac| mac.chain_update(signed.as_bytes()).finalize().into_bytes());
    format!(
        "{signed}.{}",
        signature
            .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
            .unwrap_or_default()
    )
}

fn identity(google: &Google, email: &str, granted: &[String]) -> Value {
    let has = |scope: &str| {
        granted
            .iter()
            .any(|one| scopes::canonical(one) == scopes::canonical(scope))
    };
    let state = google.state();
    let Some(account) = state.account(email) else {
        return json!({});
    };
    let mut claims = json!({"sub": account.sub});
    if has("email") {
        claims["email"] = json!(account.email);
        claims["email_verified"] = json!(true);
    }
    if has("profile") {
        let (given, family) = account.name.split_once(' ').unwrap_or((&account.name, ""));
        claims["name"] = json!(account.name);
        claims["given_name"] = json!(given);
        claims["family_name"] = json!(family);
    }
    claims
}

async fn revoke(State(google): State<Google>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let in_query = Form::read(query.unwrap_or_default().as_bytes()).get("token");
    match Form::read(&body).get("token").or(in_query) {
        None => refusal(400, "invalid_request", "Missing required parameter: token"),
        Some(token) if google.oauth().revoke(&token) => json_response(StatusCode::OK, &json!({})),
        Some(_) => refusal(400, "invalid_token", "Token expired or revoked"),
    }
}

async fn userinfo(State(google): State<Google>, faults: ActiveFaults, headers: HeaderMap) -> Response {
    let invalid = || refusal(401, "invalid_request", "Invalid Credentials");
    let Some(token) = bearer(&headers) else {
        return invalid();
    };
    if faults.has(&Fault::TokenRevoked) {
        google.oauth().revoke(token);
    }
    let Ok(access) = google.oauth().verify(token) else {
        return invalid();
    };
    if !access.scopes.iter().any(|scope| scopes::is_identity(scope)) {
        return invalid();
    }
    json_response(
        StatusCode::OK,
        &identity(&google, &access.account, &access.scopes),
    )
}

/// Empty: id tokens of the stand-in are signed with the client's secret.
async fn certs() -> Response {
    json_response(StatusCode::OK, &json!({"keys": []}))
}

async fn configuration(State(google): State<Google>) -> Response {
    let root = google.public_url();
    let at = |path: &str| format!("{root}{path}");
    let document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": at("/o/oauth2/v2/auth"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/v1/userinfo"),
        "revocation_endpoint": at("/revoke"),
        "jwks_uri": at("/oauth2/v3/certs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["HS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "sub"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
    });
    json_response(StatusCode::OK, &document)
}
