//! What is asserted of the boundary to the window: current bindings, a strict policy, and no more rights than needed.

use serde_json::Value;
use std::path::Path;

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

#[test]
fn the_content_security_policy_lets_nothing_in_from_outside() {
    let config = json("tauri.conf.json");
    let security = &config["app"]["security"];
    let policy = security["csp"].as_str().expect("a policy is set");
    assert!(policy.contains("default-src 'none'"));
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe-eval"));
    let scripts_and_styles = policy.replace("style-src-attr 'unsafe-inline'", "");
    assert!(!scripts_and_styles.contains("unsafe-inline"));
    assert!(!policy.contains("https:") && !policy.contains('*'));
    assert_eq!(security["freezePrototype"], Value::Bool(true));
    assert_eq!(config["app"]["withGlobalTauri"], Value::Bool(false));
    assert_eq!(security["capabilities"], serde_json::json!(["main"]));
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
