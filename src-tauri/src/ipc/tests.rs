//! What is asserted of the boundary to the window: current bindings, a strict policy, and no more rights than needed.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[path = "words_tests.rs"]
mod words;

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&file(path)).expect("a file of ours")
}

#[test]
fn the_committed_bindings_are_current() {
    let fresh = std::env::temp_dir().join(format!("roundtrip-bindings-{}.ts", std::process::id()));
    super::write_bindings(&fresh).expect("bindings can be written");
    let written = std::fs::read_to_string(&fresh).expect("just written");
    std::fs::remove_file(&fresh).expect("just written");
    assert!(
        written == file("ui/src/lib/bindings.ts"),
        "run `cargo xtask bindings` and commit the result"
    );
}

/// The policy by directive, each with its sources.
fn policy(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let directives = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let mut policy = BTreeMap::new();
    for directive in directives {
        let mut words = directive.split_whitespace();
        let name = words.next().expect("a name");
        let before = policy.insert(name, words.collect());
        assert!(
            before.is_none(),
            "{name} stands twice: the second one counts for nothing"
        );
    }
    policy
}

#[test]
fn the_content_security_policy_lets_nothing_in_from_outside() {
    let config = json("tauri.conf.json");
    let security = &config["app"]["security"];
    let policy = policy(security["csp"].as_str().expect("a policy is set"));
    assert_eq!(policy["default-src"], ["'none'"]);
    assert_eq!(policy["script-src"], ["'self'"]);
    assert_eq!(policy["style-src"], ["'self'"]);
    // Positions that are computed (the week, a virtual list) are style attributes; they run nothing and load nothing.
    assert_eq!(policy["style-src-attr"], ["'unsafe-inline'"]);
    let local = ["'none'", "'self'", "data:", "ipc:", "http://ipc.localhost"];
    for (directive, sources) in &policy {
        for source in sources {
            let inline = *directive == "style-src-attr" && *source == "'unsafe-inline'";
            assert!(inline || local.contains(source), "{directive} {source}");
            assert!(
                *source != "data:" || *directive == "img-src",
                "{directive} {source}"
            );
        }
    }
    // What `default-src` does not stand for has to be said.
    for closed in ["base-uri", "form-action", "frame-ancestors"] {
        assert_eq!(policy[closed], ["'none'"], "{closed}");
    }
    assert_eq!(security["freezePrototype"], Value::Bool(true));
    assert_eq!(security["dangerousDisableAssetCspModification"], Value::Null);
    assert_eq!(config["app"]["withGlobalTauri"], Value::Bool(false));
    assert_eq!(security["capabilities"], serde_json::json!(["main"]));
    assert_eq!(config["app"]["windows"], serde_json::json!([]));
}

#[test]
fn the_window_may_call_our_commands_and_listen_and_nothing_else() {
    let capability = json("capabilities/main.json");
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    let commands: Vec<String> = file("src-tauri/commands.txt")
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| format!("allow-{}", line.replace('_', "-")))
        .collect();
    let granted: Vec<&str> = capability["permissions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for permission in &granted {
        let event = ["core:event:allow-listen", "core:event:allow-unlisten"].contains(permission);
        assert!(
            event || commands.iter().any(|command| command == permission),
            "{permission}"
        );
    }
    assert_eq!(granted.len(), commands.len() + 2);
}

#[test]
fn every_command_that_the_page_knows_is_granted() {
    // The bindings are what the page calls; a command that is not granted is refused in the real window only.
    let bindings = file("ui/src/lib/bindings.ts");
    let known: BTreeSet<&str> = bindings
        .split("__TAURI_INVOKE(\"")
        .skip(1)
        .filter_map(|call| call.split('"').next())
        .collect();
    let granted = file("src-tauri/commands.txt");
    assert!(known.len() > 50, "{}", known.len());
    assert_eq!(known, granted.lines().filter(|line| !line.is_empty()).collect());
}
