//! Which way dependencies point (docs/ARCHITECTURE.md), read from `cargo metadata`.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;
use crate::process::capture;
use crate::workspace::Workspace;

/// A package, the workspace's packages that its product may use, and those that its tests may use as well.
struct Arrow {
    package: &'static str,
    product: &'static [&'static str],
    tests: &'static [&'static str],
}

const ARROWS: &[Arrow] = &[
    Arrow {
        package: "slipway-domain",
        product: &[],
        tests: &[],
    },
    Arrow {
        package: "slipway-portal",
        product: &["slipway-domain"],
        tests: &["slipway-testkit"],
    },
    Arrow {
        package: "slipway-store",
        product: &["slipway-domain", "slipway-portal"],
        tests: &["slipway-testkit"],
    },
    Arrow {
        package: "slipway-guard",
        product: &["slipway-portal"],
        tests: &[],
    },
    Arrow {
        package: "slipway-forge",
        product: &["slipway-domain", "slipway-portal", "slipway-guard"],
        tests: &["slipway-testkit", "slipway-sandbox", "slipway-store"],
    },
    Arrow {
        package: "slipway-cluster",
        product: &["slipway-domain", "slipway-portal"],
        // The promotion engine is tested with a database beneath it.
        tests: &["slipway-testkit", "slipway-sandbox", "slipway-store"],
    },
    Arrow {
        package: "slipway-courier",
        product: &["slipway-domain", "slipway-portal", "slipway-guard"],
        // The deliveries are tested with a database beneath them.
        tests: &["slipway-testkit", "slipway-store"],
    },
    Arrow {
        package: "slipway-shelf",
        product: &["slipway-portal"],
        // Files are tested with a database beneath them.
        tests: &["slipway-domain", "slipway-testkit", "slipway-store"],
    },
    Arrow {
        package: "slipway-mail",
        product: &["slipway-domain", "slipway-portal"],
        // Invitations are tested with a database beneath them.
        tests: &["slipway-testkit", "slipway-store"],
    },
    Arrow {
        package: "slipway-testkit",
        product: &["slipway-domain", "slipway-portal"],
        tests: &[],
    },
    Arrow {
        package: "slipway-sandbox",
        product: &[],
        tests: &[],
    },
    Arrow {
        package: "slipway-app",
        product: &["slipway-domain", "slipway-portal"],
        tests: &[],
    },
    Arrow {
        package: "frontend",
        product: &["slipway-app"],
        tests: &[],
    },
    Arrow {
        package: "slipway",
        product: &[
            "slipway-domain",
            "slipway-portal",
            "slipway-guard",
            "slipway-store",
            "slipway-forge",
            "slipway-cluster",
            "slipway-courier",
            // Providers of sign-in are asked by the edge itself.
            "slipway-guard",
            "slipway-mail",
            "slipway-shelf",
            "slipway-sandbox",
            "slipway-app",
        ],
        tests: &["slipway-testkit"],
    },
    Arrow {
        package: "xtask",
        product: &[],
        tests: &[],
    },
];

/// Libraries that a package must not use, by prefix, and why.
const BANS: &[(&str, &[&str], &str)] = &[
    (
        "slipway-domain",
        &[
            "tokio",
            "reqwest",
            "sqlx",
            "axum",
            "leptos",
            "kube",
            "k8s-",
            "gitlab",
            "hyper",
            "tower",
            "rand",
            "getrandom",
        ],
        "domain has no IO, no clock and no randomness",
    ),
    (
        "slipway-portal",
        &[
            "sqlx", "axum", "leptos", "kube", "k8s-", "gitlab", "lettre", "reqwest", "hyper", "tower", "http",
        ],
        "portal has no SQL, no HTTP and no UI",
    ),
    (
        "slipway-store",
        &["axum", "leptos", "kube", "gitlab", "reqwest"],
        "the store only speaks SQL",
    ),
    (
        "slipway-app",
        &["sqlx", "kube", "k8s-", "gitlab", "reqwest"],
        "the pages call portal, never an adapter",
    ),
];

pub fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let text =
        capture(
            workspace
                .cargo()
                .args(["metadata", "--format-version", "1", "--no-deps", "--locked"]),
        )?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata did not print JSON")?;
    Ok(findings(&metadata))
}

fn findings(metadata: &Value) -> Vec<Finding> {
    let packages = items(&metadata["packages"]);
    let own: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut findings = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(arrow) = ARROWS.iter().find(|arrow| arrow.package == name) else {
            findings.push(format!(
                "{name} has no row in xtask/src/tidy/arrows.rs: say what it may depend on"
            ));
            continue;
        };
        for dependency in items(&package["dependencies"]) {
            let target = dependency["name"].as_str().unwrap_or_default();
            let only_tests = dependency["kind"].as_str() == Some("dev");
            if own.contains(&target) {
                let allowed =
                    arrow.product.contains(&target) || (only_tests && arrow.tests.contains(&target));
                if !allowed {
                    findings.push(format!("{name} must not depend on {target}"));
                }
            } else if !only_tests {
                findings.extend(banned(name, target));
            }
        }
        if name == "slipway-app" {
            findings.extend(portal_only_on_the_server(package));
        }
    }
    findings
}

fn banned(package: &str, library: &str) -> Option<Finding> {
    BANS.iter()
        .filter(|(name, _, _)| *name == package)
        .find(|(_, prefixes, _)| prefixes.iter().any(|prefix| library.starts_with(prefix)))
        .map(|(_, _, why)| format!("{package} must not depend on {library}: {why}"))
}

/// The app's pages run in the browser as well; use cases must not be compiled into them.
fn portal_only_on_the_server(package: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let optional = items(&package["dependencies"])
        .iter()
        .filter(|dependency| dependency["name"] == "slipway-portal")
        .all(|dependency| dependency["optional"] == true);
    if !optional {
        findings.push("slipway-app must take slipway-portal as an optional dependency".to_owned());
    }
    let features = package["features"].as_object().into_iter().flatten();
    for (feature, enables) in features {
        let takes_portal = items(enables)
            .iter()
            .any(|item| item == "dep:slipway-portal" || item == "slipway-portal");
        if takes_portal && feature != "ssr" {
            findings.push(format!(
                "slipway-app's feature {feature} must not enable slipway-portal, only ssr may"
            ));
        }
    }
    findings
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(package: &str, dependency: &str, kind: Option<&str>) -> Value {
        let other = json!({ "name": dependency, "dependencies": [], "features": {} });
        let edge = json!({ "name": dependency, "kind": kind, "optional": false });
        let mut packages = vec![json!({ "name": package, "dependencies": [edge], "features": {} })];
        if dependency.starts_with("slipway") {
            packages.push(other);
        }
        json!({ "packages": packages })
    }

    #[test]
    fn inward_arrows_pass_and_outward_arrows_are_found() {
        assert!(findings(&metadata("slipway-portal", "slipway-domain", None)).is_empty());
        assert_eq!(
            findings(&metadata("slipway-domain", "slipway-portal", None)).len(),
            1
        );
        assert_eq!(
            findings(&metadata("slipway-store", "slipway-forge", None)).len(),
            1
        );
    }

    #[test]
    fn the_test_kit_is_for_tests_only() {
        assert!(findings(&metadata("slipway-store", "slipway-testkit", Some("dev"))).is_empty());
        assert_eq!(
            findings(&metadata("slipway-store", "slipway-testkit", None)).len(),
            1
        );
    }

    #[test]
    fn the_portal_may_not_know_sql_or_http() {
        assert_eq!(findings(&metadata("slipway-portal", "sqlx", None)).len(), 1);
        assert_eq!(findings(&metadata("slipway-portal", "axum-extra", None)).len(), 1);
        assert!(findings(&metadata("slipway-portal", "serde", None)).is_empty());
    }

    #[test]
    fn the_app_takes_the_portal_only_under_ssr() {
        let app = |optional: bool, feature: &str| {
            json!({ "packages": [
                { "name": "slipway-portal", "dependencies": [], "features": {} },
                { "name": "slipway-app", "features": { feature: ["dep:slipway-portal"] },
                  "dependencies": [{ "name": "slipway-portal", "kind": null, "optional": optional }] },
            ]})
        };
        assert!(findings(&app(true, "ssr")).is_empty());
        assert_eq!(findings(&app(true, "hydrate")).len(), 1);
        assert_eq!(findings(&app(false, "ssr")).len(), 1);
    }

    #[test]
    fn a_new_package_needs_a_row() {
        assert_eq!(findings(&metadata("slipway-novelty", "serde", None)).len(), 1);
    }
}
