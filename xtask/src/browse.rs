//! `xtask browse URL`: stands for the system browser where the sandbox answers sign-in pages by itself.

use anyhow::{Result, bail};
use std::time::Duration;

/// More redirects than any sign-in has.
const MOST_REDIRECTS: usize = 10;

/// Opens the address and follows its redirects to the end; the last page's address and text.
pub fn follow(url: &str) -> Result<(String, String)> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build();
    let agent: ureq::Agent = config.into();
    let mut address = url.to_owned();
    for _ in 0..MOST_REDIRECTS {
        if !address.starts_with("http://127.0.0.1:") && !address.starts_with("http://[::1]:") {
            bail!(
                "this only opens addresses on this machine, not {}",
                without_query(&address)
            );
        }
        let mut answer = agent.get(&address).call()?;
        let status = answer.status();
        if status.is_redirection() {
            let next = answer
                .headers()
                .get("location")
                .and_then(|value| value.to_str().ok());
            let Some(next) = next else {
                bail!("{} redirects to nowhere", without_query(&address))
            };
            address = absolute(&address, next);
            continue;
        }
        let text = answer.body_mut().read_to_string()?;
        if !status.is_success() {
            bail!("{} answered {status}", without_query(&address));
        }
        return Ok((address, text));
    }
    bail!("more than {MOST_REDIRECTS} redirects from {}", without_query(url))
}

fn absolute(from: &str, to: &str) -> String {
    if !to.starts_with('/') {
        return to.to_owned();
    }
    let after_scheme = from.find("://").map_or(0, |at| at + 3);
    let end = from[after_scheme..]
        .find('/')
        .map_or(from.len(), |at| after_scheme + at);
    format!("{}{to}", &from[..end])
}

/// An address without what may be secret in it.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_redirect_stays_on_the_same_host() {
        assert_eq!(
            absolute("http://127.0.0.1:9/a?b=c", "/d?e=f"),
            "http://127.0.0.1:9/d?e=f"
        );
        assert_eq!(
            absolute("http://127.0.0.1:9/a", "http://127.0.0.1:8/x"),
            "http://127.0.0.1:8/x"
        );
    }

    #[test]
    fn another_machine_is_not_opened() {
        let error = follow("http://192.0.2.1/authorize?code=secret")
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(error.contains("192.0.2.1/authorize"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
