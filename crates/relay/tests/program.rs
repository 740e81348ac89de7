//! What the program takes from its environment.

use std::process::Command;

/// Without keys it ends at once, and says so only after its arguments were understood.
fn told(forwarded_for: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_roundtrip-relay"))
        .args(["--address", "https://relay.linden.example"])
        .env("RELAY_FORWARDED_FOR", forwarded_for)
        .env_remove("RELAY_KEYS")
        .env_remove("RELAY_KEYS_FILE")
        .output()
        .expect("the relay");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_switch_is_set_with_the_usual_words() {
    for word in ["1", "true", "yes", "on", "0", "false", "no", "off"] {
        let told = told(word);
        assert!(told.contains("RELAY_KEYS"), "{word}: {told}");
    }
    let told = told("perhaps");
    assert!(told.contains("perhaps") && !told.contains("RELAY_KEYS"), "{told}");
}
