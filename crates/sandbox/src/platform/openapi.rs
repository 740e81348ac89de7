//! The OpenAPI 3.1 document of the contract, generated from the types and handlers of this module.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::openapi::security::{
    AuthorizationCode, Flow, OAuth2, Scopes, SecurityRequirement, SecurityScheme,
};
use utoipa::{Modify, OpenApi};

use super::problem::{Code, ProblemDetails, RefusalReason};
use super::{SCOPES, api, auth, hooks, me, stream, types};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Platform API",
        version = "1",
        description = "The contract between Roundtrip and a booking platform. Unknown fields are ignored and unknown \
            values of enumerations are treated as \"other\": a platform may grow without breaking an older client. \
            Every answer below /v1 carries `Calendar-Sync` (`enabled`, or `disabled; reason=…`) and `Date`, and echoes \
            `X-Request-Id`. `429` and `503` carry `Retry-After`.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        auth::metadata,
        auth::token,
        auth::revoke,
        me::me,
        api::list,
        api::create,
        api::one,
        api::edit,
        api::move_appointment,
        me::report,
        me::end_integration,
        me::put_busy_blocks,
        me::delete_busy_blocks,
        me::delete_synced_data,
        stream::stream,
        hooks::open_channel,
        hooks::close_channel,
        hooks::google,
        hooks::outlook
    ),
    components(schemas(ProblemDetails, Code, RefusalReason, types::PauseReason)),
    modifiers(&SignIn),
    tags(
        (name = "sign-in", description = "RFC 8414, RFC 6749 with PKCE, RFC 7009"),
        (name = "me", description = "The caller"),
        (name = "appointments", description = "The change feed and the writes"),
        (name = "hints", description = "Look now"),
        (name = "hooks", description = "Called by calendar services")
    )
)]
struct Document;

/// Adds the OAuth 2 scheme, and asks for it on every path that needs a bearer token.
struct SignIn;

impl Modify for SignIn {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scopes = Scopes::from_iter(SCOPES.map(|scope| (scope, "")));
        let flow =
            Flow::AuthorizationCode(AuthorizationCode::new("/oauth/authorize", "/oauth/token", scopes));
        let scheme = SecurityScheme::OAuth2(OAuth2::new([flow]));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("platform", scheme);
        for (path, item) in &mut document.paths.paths {
            let open = !path.starts_with("/v1/") || path.starts_with("/v1/hooks/");
            if open {
                continue;
            }
            let operations = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.patch,
                &mut item.delete,
            ];
            for operation in operations.into_iter().flatten() {
                operation.security = Some(vec![SecurityRequirement::new("platform", [] as [&str; 0])]);
            }
        }
    }
}

/// The document, as it is committed under `docs/`.
pub fn openapi_json() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

pub(super) async fn serve() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi_json()).into_response()
}
