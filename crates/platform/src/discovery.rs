//! From what a person typed to where the platform is.

use crate::{CLIENT_ID, SCOPES};
use bytes::Bytes;
use http::header::ACCEPT;
use roundtrip_http::oauth::{Issuer, OAuthConfig};
use roundtrip_http::{HttpError, HttpErrorKind, HttpPort, is_allowed, is_loopback};
use serde::{Deserialize, Serialize};
use url::Url;

const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";
const LONGEST_NAME: usize = 100;

/// Why an address is not one of a platform that can be used. Each has its own sentence in the window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// It is no address at all, or http to another machine.
    #[error("not an address that can be used")]
    BadAddress,
    /// Nobody answers there: offline, a mistyped name, nothing listening, too slow.
    #[error("could not be reached")]
    NotReachable,
    /// The certificate is not trusted.
    #[error("the certificate is not trusted")]
    WrongCertificate,
    /// Somebody answers, but it is no booking platform.
    #[error("no booking platform at this address")]
    NotAPlatform,
    /// It is a platform by its looks, but what it says of itself cannot be read or does not fit.
    #[error("the platform's answer could not be read: {what}")]
    BadAnswer {
        /// Which part.
        what: String,
    },
    /// It is a platform, but its sign-in is not safe enough: no PKCE with S256, or addresses without https.
    #[error("the platform's sign-in is not safe: {what}")]
    Unsafe {
        /// Which part.
        what: String,
    },
    /// It has trouble at the moment.
    #[error("the platform has trouble (status {status})")]
    Trouble {
        /// HTTP status.
        status: u16,
    },
}

/// What a platform says of itself. The app keeps it, so that it is asked once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformMetadata {
    /// Root of the API, without a slash at its end.
    pub base: Url,
    /// How the server names itself; equal to the address it was found at.
    pub issuer: String,
    /// Page that the browser opens.
    pub authorize_url: Url,
    /// Token endpoint.
    pub token_url: Url,
    /// Revocation endpoint.
    pub revoke_url: Option<Url>,
    /// True if every answer of a sign-in names the issuer (RFC 9207).
    pub names_itself: bool,
    /// Shown name.
    pub name: Option<String>,
}

impl PlatformMetadata {
    /// How to sign in there.
    pub fn sign_in(&self) -> OAuthConfig {
        OAuthConfig {
            authorize_url: self.authorize_url.clone(),
            token_url: self.token_url.clone(),
            revoke_url: self.revoke_url.clone(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: None,
            scopes: SCOPES.map(str::to_owned).to_vec(),
            extra: Vec::new(),
            issuer: Some(Issuer {
                name: self.issuer.clone(),
                always_said: self.names_itself,
            }),
        }
    }

    /// Name to show: the platform's own, else its host.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().or(self.base.host_str()).unwrap_or_default()
    }
}

/// The address that a person means: `linden.example`, ` https://Linden.example/ `, `127.0.0.1:8080`.
pub fn parse_address(typed: &str) -> Result<Url, DiscoveryError> {
    let typed = typed.trim();
    if typed.is_empty() || typed.len() > 500 || typed.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(DiscoveryError::BadAddress);
    }
    let with_scheme = if typed.contains("://") {
        typed.to_owned()
    } else {
        // Only this machine is spoken to without TLS.
        let secure = format!("https://{typed}");
        match Url::parse(&secure) {
            Ok(url) if is_loopback(&url) => format!("http://{typed}"),
            _ => secure,
        }
    };
    let mut url = Url::parse(&with_scheme).map_err(|_| DiscoveryError::BadAddress)?;
    if !is_allowed(&url) || !url.username().is_empty() || url.password().is_some() {
        return Err(DiscoveryError::BadAddress);
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Looks whether there is a platform at this address.
pub async fn discover(http: &dyn HttpPort, typed: &str) -> Result<PlatformMetadata, DiscoveryError> {
    let base = parse_address(typed)?;
    // RFC 8414 section 3.1: the well-known part goes between host and path.
    let mut url = base.clone();
    url.set_path(&format!("{WELL_KNOWN}{}", base.path().trim_end_matches('/')));
    let request = http::Request::get(url.as_str())
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| DiscoveryError::BadAddress)?;
    let response = http
        .send(request)
        .await
        .map_err(|error| unreachable_because(&error))?;
    match response.status().as_u16() {
        200 => read(&base, &response),
        status @ (429 | 500..=599) => Err(DiscoveryError::Trouble { status }),
        _ => Err(DiscoveryError::NotAPlatform),
    }
}

fn unreachable_because(error: &HttpError) -> DiscoveryError {
    match error.kind {
        HttpErrorKind::Tls => DiscoveryError::WrongCertificate,
        HttpErrorKind::TooLarge => bad("too large"),
        HttpErrorKind::NotAllowed => DiscoveryError::BadAddress,
        HttpErrorKind::Connect | HttpErrorKind::Timeout | HttpErrorKind::Cut | HttpErrorKind::Other => {
            DiscoveryError::NotReachable
        }
    }
}

fn bad(what: &str) -> DiscoveryError {
    DiscoveryError::BadAnswer {
        what: what.to_owned(),
    }
}

#[derive(Deserialize)]
struct Metadata {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    roundtrip_platform_name: Option<String>,
}

fn read(base: &Url, response: &http::Response<Bytes>) -> Result<PlatformMetadata, DiscoveryError> {
    // A web site that answers every address with its start page is no platform; broken JSON is a broken platform.
    let json = roundtrip_http::answer::header(response, http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    let metadata: Metadata = match roundtrip_http::answer::json(response.body()) {
        Some(metadata) => metadata,
        None if json => return Err(bad("metadata")),
        None => return Err(DiscoveryError::NotAPlatform),
    };
    let (Some(issuer), Some(authorize), Some(token)) = (
        metadata.issuer,
        metadata.authorization_endpoint,
        metadata.token_endpoint,
    ) else {
        return Err(DiscoveryError::NotAPlatform);
    };
    // RFC 8414 section 3.3: a server that names another one may be passing itself off as it.
    if issuer.trim_end_matches('/') != base.as_str().trim_end_matches('/') {
        return Err(bad("issuer"));
    }
    if !metadata
        .code_challenge_methods_supported
        .iter()
        .any(|method| method == "S256")
    {
        return Err(DiscoveryError::Unsafe {
            what: "code_challenge_methods_supported".to_owned(),
        });
    }
    let endpoint = |text: &str, what: &str| {
        let url = Url::parse(text).map_err(|_| bad(what))?;
        // A platform elsewhere must not lead us to a server on this machine.
        let safe = is_allowed(&url) && (is_loopback(base) || !is_loopback(&url));
        if safe {
            Ok(url)
        } else {
            Err(DiscoveryError::Unsafe {
                what: what.to_owned(),
            })
        }
    };
    let revoke = metadata.revocation_endpoint.as_deref();
    Ok(PlatformMetadata {
        authorize_url: endpoint(&authorize, "authorization_endpoint")?,
        token_url: endpoint(&token, "token_endpoint")?,
        revoke_url: revoke
            .map(|text| endpoint(text, "revocation_endpoint"))
            .transpose()?,
        names_itself: metadata.authorization_response_iss_parameter_supported,
        name: metadata
            .roundtrip_platform_name
            .filter(|name| !name.trim().is_empty())
            .map(shortened),
        base: base.clone(),
        issuer,
    })
}

fn shortened(name: String) -> String {
    name.trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_NAME)
        .collect()
}
