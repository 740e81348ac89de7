//! What the window cannot do, whatever script would run in it: call what was not granted, run a script that was put into the
//! page, reach another address, or show a page of somebody else.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use xtask::pages::window::hook;
use xtask::play::Stage;
use xtask::project;

/// What Tauri wrote down of itself, its plugins and the app when the app was built: each command, by the permission that grants it.
const MANIFESTS: &str = "gen/schemas/acl-manifests.json";
/// What the window was granted of it.
const CAPABILITY: &str = "capabilities/main.json";
/// The app's own commands in the manifests.
const OWN: &str = "__app-acl__";
/// Tauri's own groups of commands have this before their name, in permissions alone.
const CORE: &str = "core:";

/// What is in no part of the app: it is refused, too, and the words tell it from what is there.
const NOT_THERE: [&str; 6] = [
    "no_such_command",
    "plugin:fs|read_text_file",
    "plugin:http|fetch",
    "plugin:shell|execute",
    "plugin:updater|check",
    "plugin:window|no_such_command",
];

const CALL: &str = "const done = arguments[arguments.length - 1]; \
    Promise.all(arguments[0].map((name) => window.__TAURI_INTERNALS__.invoke(name, {}) \
      .then(() => 'allowed', (error) => String(error)))).then(done)";

const INJECT: &str = "const done = arguments[arguments.length - 1]; \
    const script = document.createElement('script'); script.textContent = 'window.injected = \"script\"'; \
    document.head.append(script); \
    const remote = document.createElement('script'); remote.src = arguments[0]; document.head.append(remote); \
    const image = document.createElement('img'); image.setAttribute('onerror', 'window.injected = \"handler\"'); \
    image.src = 'data:image/png,x'; document.body.append(image); \
    const frame = document.createElement('iframe'); frame.srcdoc = '<script>parent.injected = \"frame\"</script>'; \
    document.body.append(frame); \
    fetch(arguments[0]).then(() => 'reached', () => 'refused').then((fetched) => \
      requestAnimationFrame(() => requestAnimationFrame(() => { \
        for (const element of [script, remote, image, frame]) element.remove(); \
        done([window.injected ?? null, fetched, Object.isFrozen(Object.prototype)]); })))";

/// Each command of the app and what it is made of that the window was not granted, as a script would call it.
fn ungranted(manifests: &Value, capability: &Value) -> Result<BTreeSet<String>> {
    let granted = capability["permissions"].as_array().context("no permissions")?;
    let granted: BTreeSet<&str> = granted.iter().filter_map(Value::as_str).collect();
    let (mut all, mut may, mut known) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (owner, manifest) in manifests.as_object().context("no manifests")? {
        let permissions = manifest["permissions"].as_object().context("no permissions")?;
        for (name, permission) in permissions {
            let called = match owner.as_str() {
                OWN => String::new(),
                owner => format!("plugin:{}|", owner.strip_prefix(CORE).unwrap_or(owner)),
            };
            let listed = |list: &str| {
                permission["commands"][list]
                    .as_array()
                    .cloned()
                    .unwrap_or_default()
            };
            let commands = |list: &str| -> Vec<String> {
                let words = listed(list).into_iter();
                words
                    .filter_map(|word| Some(format!("{called}{}", word.as_str()?)))
                    .collect()
            };
            all.extend(commands("allow"));
            all.extend(commands("deny"));
            let full = match owner.as_str() {
                OWN => name.clone(),
                owner => format!("{owner}:{name}"),
            };
            if granted.contains(full.as_str()) {
                may.extend(commands("allow"));
                known.insert(full);
            }
        }
    }
    // A set of permissions, or one that was renamed, would make a granted command look like one that is not.
    let unknown: Vec<_> = granted.iter().filter(|name| !known.contains(**name)).collect();
    ensure!(unknown.is_empty(), "granted, and in no manifest: {unknown:?}");
    Ok(all.difference(&may).cloned().collect())
}

/// It is there, and the window may not. A debug build names the permissions that would have let it; a release build says less.
fn is_refused(name: &str, answer: &str) -> bool {
    answer.contains(" not allowed. Permissions associated with this command: ")
        || is_refused_briefly(name, answer)
}

/// It is not there.
fn is_missing(name: &str, answer: &str) -> bool {
    let missing = ["Plugin", "Command"].map(|what| format!(" not allowed. {what} not found"));
    missing.iter().any(|words| answer.ends_with(words)) || is_refused_briefly(name, answer)
}

fn is_refused_briefly(name: &str, answer: &str) -> bool {
    answer == format!("Command {name} not allowed by ACL")
}

/// Holds against a script in the page.
pub fn to_the_outside(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    let window = stage.window()?;
    let session = window.session();

    let read = |path: &str| -> Result<Value> {
        let text = std::fs::read_to_string(project::root().join(path));
        let text = text.with_context(|| format!("{path} is missing: a build of the app writes it"))?;
        serde_json::from_str(&text).with_context(|| format!("{path} is no JSON"))
    };
    let ungranted = ungranted(&read(MANIFESTS)?, &read(CAPABILITY)?)?;
    for plugin in ["event", "menu", "opener", "tray", "webview", "window"] {
        let of_it = format!("plugin:{plugin}|");
        let known = ungranted.iter().any(|name| name.starts_with(&of_it));
        ensure!(known, "{MANIFESTS} has nothing of {plugin}");
    }
    let names: Vec<&str> = ungranted.iter().map(String::as_str).chain(NOT_THERE).collect();
    let answers = session.script_until_called(CALL, json!([names]))?;
    let answers = answers.as_array().context("no answers")?;
    ensure!(answers.len() == names.len(), "not all were answered");
    for (name, answer) in names.iter().zip(answers) {
        let answer = answer.as_str().unwrap_or_default();
        let right = match NOT_THERE.contains(name) {
            true => is_missing(name, answer),
            false => is_refused(name, answer),
        };
        ensure!(right, "{name} was answered: {answer}");
    }

    let sandbox = stage.sandbox.google_url()?;
    let became = session.script_until_called(INJECT, json!([sandbox]))?;
    ensure!(
        became == json!([Value::Null, "refused", true]),
        "a script in the page became {became}"
    );

    let before = session.url()?;
    for foreign in [
        "https://accounts.google.com/o/oauth2/v2/auth",
        sandbox,
        "data:text/html,x",
    ] {
        session.script("window.location.href = arguments[0]", json!([foreign]))?;
        session.script("window.open(arguments[0])", json!([foreign]))?;
    }
    // Still there, and still at work.
    window.sync_now()?;
    window.until_state("up_to_date", Duration::from_secs(60))?;
    ensure!(session.url()? == before, "the window went to {}", session.url()?);

    // And what is ours is answered: a command that was not granted fails here alone, not before a stand-in of the app.
    window.go("settings")?;
    session.click(&hook("section-advanced"))?;
    session.find(&hook("live-platform"))?;
    session.find(&hook("figures"))?;
    let answer = session.script_until_called(CALL, json!([["network_is_back"]]))?;
    ensure!(
        answer == json!(["allowed"]),
        "our own command was answered {answer}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests() -> Value {
        json!({
            "__app-acl__": {"permissions": {"allow-get-overview": {"commands": {"allow": ["get_overview"], "deny": []}}}},
            "core:event": {"permissions": {
                "allow-emit": {"commands": {"allow": ["emit"], "deny": []}},
                "deny-emit": {"commands": {"allow": [], "deny": ["emit"]}},
                "allow-listen": {"commands": {"allow": ["listen"], "deny": []}},
                "deny-listen": {"commands": {"allow": [], "deny": ["listen"]}},
            }},
            "opener": {"permissions": {"allow-open-url": {"commands": {"allow": ["open_url"], "deny": []}}}},
        })
    }

    #[test]
    fn every_command_that_no_permission_grants_is_tried() {
        let capability = json!({"permissions": ["core:event:allow-listen", "allow-get-overview"]});
        let all = ungranted(&manifests(), &capability).expect("manifests");
        assert_eq!(
            Vec::from_iter(all),
            ["plugin:event|emit", "plugin:opener|open_url"]
        );
        let all = ungranted(&manifests(), &json!({"permissions": []})).expect("manifests");
        assert_eq!(all.len(), 4);
        let set = json!({"permissions": ["core:event:default"]});
        assert!(ungranted(&manifests(), &set).is_err());
    }

    #[test]
    fn a_refusal_is_told_from_what_is_not_there() {
        let refused = "event.emit not allowed. Permissions associated with this command: event:allow-emit";
        let missing = [
            "fs.read not allowed. Plugin not found",
            "event.x not allowed. Command not found",
        ];
        let name = "plugin:event|emit";
        assert!(is_refused(name, refused) && !is_missing(name, refused));
        for answer in missing {
            assert!(is_missing(name, answer) && !is_refused(name, answer), "{answer}");
        }
        assert!(is_refused(name, "Command plugin:event|emit not allowed by ACL"));
        for answer in ["allowed", "", "Command emit not found", "invalid args `event`"] {
            assert!(!is_refused(name, answer) && !is_missing(name, answer), "{answer}");
        }
    }
}
