//! Who depends on whom, also through others.

use super::Rule;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The packages with what they need to build and run (not to test).
pub struct Graph {
    needs: BTreeMap<String, BTreeSet<String>>,
    members: BTreeSet<String>,
    /// Members below `tests/`: nothing of theirs is shipped.
    tests: BTreeSet<String>,
    links: BTreeSet<String>,
}

impl Graph {
    /// From the output of `cargo metadata`.
    pub fn read(metadata: &Value) -> Result<Graph> {
        let mut names = BTreeMap::new();
        let mut links = BTreeSet::new();
        let mut tests = BTreeSet::new();
        for package in array(metadata, "packages")? {
            let name = text(package, "name")?;
            names.insert(text(package, "id")?, name.clone());
            let manifest = package["manifest_path"]
                .as_str()
                .unwrap_or_default()
                .replace('\\', "/");
            let is_test = manifest.ends_with("/Cargo.toml") && manifest.rsplit('/').nth(2) == Some("tests");
            if is_test {
                tests.insert(name.clone());
            }
            if package["links"].is_string() {
                links.insert(name);
            }
        }
        let name_of = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in array(&metadata["resolve"], "nodes")? {
            let mine = needs.entry(name_of(&text(node, "id")?)).or_default();
            for dependency in array(node, "deps")? {
                // A kind of null is a normal dependency.
                let normal = array(dependency, "dep_kinds")?
                    .iter()
                    .any(|kind| kind["kind"].is_null());
                if normal {
                    mine.insert(name_of(&text(dependency, "pkg")?));
                }
            }
        }
        let members = array(metadata, "workspace_members")?
            .iter()
            .filter_map(Value::as_str)
            .map(name_of)
            .collect();
        Ok(Graph {
            needs,
            members,
            tests,
            links,
        })
    }

    /// Everything a package needs, directly or through others.
    fn reach(&self, package: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![package.to_owned()];
        while let Some(one) = open.pop() {
            for next in self.needs.get(&one).into_iter().flatten() {
                // Helpers for tests, behind a feature that only tests turn on.
                if next == "proptest" {
                    continue;
                }
                if found.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        found
    }

    fn direct(&self, package: &str) -> BTreeSet<String> {
        self.needs.get(package).cloned().unwrap_or_default()
    }
}

const HTTP: &[&str] = &["reqwest", "hyper", "hyper-util", "axum", "ureq", "oauth2"];
const SQL: &[&str] = &["sqlx", "sqlx-core", "rusqlite", "libsqlite3-sys"];
const SHELL: &[&str] = &["tauri", "wry", "tao", "gtk"];
// Not getrandom and its like: others turn it on in crates that core shares with them, and core does not call it.
const TIME_AND_CHANCE: &[&str] = &["tokio", "rand", "uuid", "futures", "async-std"];
const CONNECTORS: &[&str] = &["roundtrip-google", "roundtrip-platform"];

/// The rules about dependencies.
pub fn rules(graph: &Graph) -> Vec<Rule> {
    let connector_free = |name: &str| -> Vec<&str> {
        CONNECTORS
            .iter()
            .copied()
            .filter(|other| *other != name)
            .collect()
    };
    let join = |parts: &[&[&'static str]]| -> Vec<&'static str> { parts.concat() };
    let mut rules = vec![
        never(
            graph,
            "roundtrip-core",
            "core is pure: no network, no database, no window, no async, no clock, no chance",
            &join(&[HTTP, SQL, SHELL, TIME_AND_CHANCE]),
        ),
        never_own(graph, "roundtrip-core", &[]),
        never(
            graph,
            "roundtrip-engine",
            "engine knows its ports only: no HTTP, no SQL, no Tauri",
            &join(&[HTTP, SQL, SHELL]),
        ),
        never_own(graph, "roundtrip-engine", &["roundtrip-core"]),
        never(
            graph,
            "roundtrip-store",
            "store speaks no HTTP and knows no window",
            &join(&[HTTP, SHELL, CONNECTORS]),
        ),
        never_own(graph, "roundtrip-store", &["roundtrip-core", "roundtrip-engine"]),
    ];
    for connector in CONNECTORS {
        let mut unwanted = join(&[SQL, SHELL, &["roundtrip-store"]]);
        unwanted.extend(connector_free(connector));
        rules.push(never(
            graph,
            connector,
            &format!(
                "{connector} knows its own service only: no SQL, no Tauri, no store, no other connector"
            ),
            &unwanted,
        ));
    }
    rules.push(never(
        graph,
        "roundtrip",
        "the app never uses the sandbox",
        &["roundtrip-sandbox"],
    ));
    for member in &graph.members {
        let shipped = member != "roundtrip-sandbox" && !graph.tests.contains(member);
        if shipped && graph.direct(member).contains("roundtrip-sandbox") {
            rules.push(Rule {
                name: format!("{member} uses the sandbox in tests only"),
                broken: vec![format!("{member} depends on roundtrip-sandbox")],
            });
        }
    }
    rules.push(never(
        graph,
        "roundtrip-sandbox",
        "the sandbox is a model of its own: it uses nothing of what it tests",
        &[
            "roundtrip-engine",
            "roundtrip-store",
            "roundtrip-google",
            "roundtrip-platform",
            "roundtrip",
        ],
    ));
    // Platforms run it: nothing that knows appointments or tokens of calendars may be in it.
    rules.push(never_own(graph, "roundtrip-relay", &[]));
    rules.push(never(
        graph,
        "roundtrip",
        "the laptop's program carries nothing of the relay",
        &["roundtrip-relay", "async-nats", "prometheus-client"],
    ));
    for tool in ["xtask", "roundtrip-window-tests"] {
        let native: Vec<&str> = graph.links.iter().map(String::as_str).collect();
        rules.push(never(
            graph,
            tool,
            &format!("{tool} builds without any system library"),
            &native,
        ));
        rules.push(never_own(graph, tool, &["xtask"]));
    }
    rules.push(one_version(graph));
    rules
}

fn never(graph: &Graph, package: &str, name: &str, unwanted: &[&str]) -> Rule {
    let reach = graph.reach(package);
    let mut broken: Vec<String> = unwanted
        .iter()
        .filter(|other| reach.contains(**other))
        .map(|other| format!("{package} reaches {other}"))
        .collect();
    if !graph.members.contains(package) {
        broken.push(format!("{package} is not in the workspace"));
    }
    Rule {
        name: name.to_owned(),
        broken,
    }
}

/// Of our own crates a package may reach only these.
fn never_own(graph: &Graph, package: &str, allowed: &[&str]) -> Rule {
    let broken = graph
        .reach(package)
        .iter()
        .filter(|other| graph.members.contains(*other) && !allowed.contains(&other.as_str()))
        .map(|other| format!("{package} reaches {other}"))
        .collect();
    let allowed = if allowed.is_empty() {
        "no crate of ours".to_owned()
    } else {
        format!("only {}", allowed.join(", "))
    };
    Rule {
        name: format!("{package} uses {allowed}"),
        broken,
    }
}

/// Two HTTP clients would be two pools, two TLS stacks and two sets of roots.
fn one_version(graph: &Graph) -> Rule {
    let users: Vec<String> = graph
        .members
        .iter()
        .filter(|member| {
            ![
                "roundtrip-http",
                "roundtrip",
                "roundtrip-google",
                "roundtrip-platform",
            ]
            .contains(&member.as_str())
                && graph.direct(member).contains("reqwest")
        })
        .map(|member| format!("{member} depends on reqwest"))
        .collect();
    Rule {
        name: "only the HTTP port, the connectors and the app may use the HTTP client".into(),
        broken: users,
    }
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key]
        .as_array()
        .with_context(|| format!("cargo metadata has no {key}"))
}

fn text(value: &Value, key: &str) -> Result<String> {
    Ok(value[key]
        .as_str()
        .with_context(|| format!("cargo metadata has no {key}"))?
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn graph(edges: &[(&str, &str, Value)]) -> Result<Graph> {
        let names: BTreeSet<&str> = edges.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
        let packages: Vec<Value> = names
            .iter()
            .map(|name| json!({"id": name, "name": name, "links": null}))
            .collect();
        let nodes: Vec<Value> = names
            .iter()
            .map(|name| {
                let deps: Vec<Value> = edges
                    .iter()
                    .filter(|(from, _, _)| from == name)
                    .map(|(_, to, kind)| json!({"pkg": to, "dep_kinds": [{"kind": kind}]}))
                    .collect();
                json!({"id": name, "deps": deps})
            })
            .collect();
        let members: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| name.starts_with("roundtrip"))
            .collect();
        Graph::read(&json!({"packages": packages, "resolve": {"nodes": nodes}, "workspace_members": members}))
    }

    #[test]
    fn a_need_through_another_package_is_seen() -> Result<()> {
        let graph = graph(&[
            ("roundtrip-core", "helper", Value::Null),
            ("helper", "tokio", Value::Null),
        ])?;
        assert_eq!(
            never(&graph, "roundtrip-core", "", &["tokio"]).broken,
            ["roundtrip-core reaches tokio"]
        );
        Ok(())
    }

    #[test]
    fn what_only_tests_need_is_allowed() -> Result<()> {
        let graph = graph(&[("roundtrip-store", "roundtrip-sandbox", json!("dev"))])?;
        assert!(
            never(&graph, "roundtrip-store", "", &["roundtrip-sandbox"])
                .broken
                .is_empty()
        );
        Ok(())
    }

    #[test]
    fn a_missing_crate_breaks_its_rule() -> Result<()> {
        let graph = graph(&[("roundtrip-core", "chrono", Value::Null)])?;
        assert_eq!(never(&graph, "roundtrip-engine", "", &[]).broken.len(), 1);
        Ok(())
    }
}
