//! `roundtrip://` links. They are only ever navigation, or the end of a sign-in that this app began; anything else is
//! refused. Whoever can make the browser open a link can send one, so nothing in it is trusted.

/// What a link asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Show this place of the window.
    Route(String),
    /// The end of a platform sign-in; the whole link goes to the attempt that waits for it.
    SignIn(String),
}

/// Longest id that is taken from a link.
const ID_MAX: usize = 128;

/// Reads a link. `None` for anything that is not one of ours.
pub fn parse(text: &str) -> Option<Link> {
    if text.len() > 4_096 {
        return None;
    }
    let url = url::Url::parse(text).ok()?;
    if url.scheme() != "roundtrip"
        || !url.username().is_empty()
        || url.password().is_some()
        || url.port().is_some()
    {
        return None;
    }
    let parts: Vec<&str> = url
        .path()
        .trim_matches('/')
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    match (url.host_str()?, parts.as_slice()) {
        ("appointment", [id]) => Some(Link::Route(format!("/appointments/{}", id_of(id)?))),
        ("conflict", [id]) => Some(Link::Route(format!("/conflicts/{}", id_of(id)?))),
        ("reconnect", ["google"]) => Some(Link::Route("/connect/google".into())),
        ("reconnect", ["platform"]) => Some(Link::Route("/connect/platform".into())),
        ("signin", ["platform"]) => Some(Link::SignIn(text.to_owned())),
        _ => None,
    }
}

/// Ids hold letters, digits and a few signs; nothing that could be read as a path, a query or markup.
fn id_of(text: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!text.is_empty() && text.len() <= ID_MAX && text.chars().all(plain) && text != "." && text != "..")
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_navigation() {
        assert_eq!(
            parse("roundtrip://appointment/apt_41"),
            Some(Link::Route("/appointments/apt_41".into()))
        );
        assert_eq!(
            parse("roundtrip://conflict/0a1b"),
            Some(Link::Route("/conflicts/0a1b".into()))
        );
        assert_eq!(
            parse("roundtrip://reconnect/google"),
            Some(Link::Route("/connect/google".into()))
        );
        let end = "roundtrip://signin/platform?code=a&state=b";
        assert_eq!(parse(end), Some(Link::SignIn(end.into())));
    }

    #[test]
    fn anything_else_is_refused() {
        for hostile in [
            "",
            "https://appointment/apt_1",
            "roundtrip://",
            "roundtrip://delete/everything",
            "roundtrip://appointment/",
            "roundtrip://appointment/a/b",
            "roundtrip://appointment/..",
            "roundtrip://appointment/%2e%2e%2fsettings",
            "roundtrip://appointment/<script>",
            "roundtrip://user:pass@appointment/apt_1",
            "roundtrip://appointment:80/apt_1",
            "roundtrip://reconnect/evil",
            "javascript:alert(1)",
        ] {
            assert_eq!(parse(hostile), None, "{hostile}");
        }
        assert_eq!(
            parse(&format!("roundtrip://appointment/{}", "a".repeat(200))),
            None
        );
    }
}
