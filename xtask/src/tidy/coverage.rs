//! Every server function has a row in the permission coverage table, and every row has its function. The server's
//! test reads the same table and tries each row as someone who may not. All other routes stand in the route table of
//! the server, which says who may ask and which that test enumerates; no route is added around it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Finding, Source};

/// One row per line: `fn:` and the server function's endpoint; two spaces or more; the kind of access.
const TABLE: &str = "server/tests/access/coverage.txt";

/// The one file that may add routes.
const ROUTES: &str = "server/src/http/route.rs";

pub fn check(root: &Path, files: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        if file.path.starts_with("app/src/") {
            let (found, unnamed) = server_functions(&file.text);
            names.extend(found);
            findings.extend(unnamed.into_iter().map(|name| {
                format!(
                    "{}: `{name}` needs an `endpoint = \"noun/verb\"` in its #[server(…)]",
                    file.path
                )
            }));
        } else if file.path.starts_with("server/src/") && file.path != ROUTES {
            let product = file.text.split("#[cfg(test)]").next().unwrap_or_default();
            if product.contains(".route(\"") {
                findings.push(format!(
                    "{}: adds a route; routes stand in the table of {ROUTES}",
                    file.path
                ));
            }
        }
    }
    let file = root.join(TABLE);
    let table = if file.exists() {
        fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?
    } else {
        String::new()
    };
    findings.extend(compare(&names, &table));
    Ok(findings)
}

fn compare(names: &BTreeSet<String>, table: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut rows = BTreeSet::new();
    for line in table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let Some((name, access)) = line.split_once("  ") else {
            findings.push(format!(
                "{TABLE}: `{line}`: a row is a name, two spaces or more, and a kind of access"
            ));
            continue;
        };
        if access.trim().is_empty() {
            findings.push(format!("{TABLE}: `{name}` has no kind of access"));
        }
        if !rows.insert(name.trim().to_owned()) {
            findings.push(format!("{TABLE}: `{name}` stands there twice"));
        }
    }
    findings.extend(
        names
            .difference(&rows)
            .map(|name| format!("{TABLE}: `{name}` has no row")),
    );
    findings.extend(
        rows.difference(names)
            .map(|name| format!("{TABLE}: `{name}` is in no source")),
    );
    findings
}

/// The rows that the `#[server(…)]` functions of a file need, and the names of functions without an endpoint.
fn server_functions(text: &str) -> (Vec<String>, Vec<String>) {
    // At the start of a line: the same word before an argument means something else.
    let (mut rows, mut unnamed) = (Vec::new(), Vec::new());
    for part in text
        .split("\n#[server")
        .skip(1)
        .filter(|part| part.starts_with(['(', ']']))
    {
        let attribute = part.split(']').next().unwrap_or(part);
        match attribute
            .split("endpoint = \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
        {
            Some(endpoint) => rows.push(format!("fn:{}", endpoint.trim_start_matches('/'))),
            None => unnamed.push(function_name(part)),
        }
    }
    (rows, unnamed)
}

/// The name of the first function in the text.
fn function_name(text: &str) -> String {
    let after = text.split("fn ").nth(1).unwrap_or_default();
    after
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_functions_are_found_by_their_endpoints() {
        let text = "use a;\n#[server(name = One, prefix = \"/api/fn\", endpoint = \"noun/one\", input = GetUrl)]\n\
                    pub async fn one(\n    #[server(default)] a: u8) {}\n#[server]\n#[tracing::instrument]\npub(crate) async fn two(a: u8) {}\n\
                    #[server_only]\nfn three() {}\n";
        let (rows, unnamed) = server_functions(text);
        assert_eq!(rows, ["fn:noun/one"]);
        assert_eq!(unnamed, ["two"]);
    }

    #[test]
    fn a_route_around_the_table_is_found() {
        let file = |path: &str, text: &str| Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let adds = "router.route(\"/secret\", get(secret))";
        let found = |path: &str, text: &str| check(Path::new("/nowhere"), &[file(path, text)]).unwrap().len();
        assert_eq!(found("server/src/http/page.rs", adds), 1);
        assert_eq!(found(ROUTES, adds), 0);
        assert_eq!(
            found(
                "server/src/http/page.rs",
                &format!("#[cfg(test)]\nmod tests {{ {adds} }}")
            ),
            0
        );
    }

    #[test]
    fn a_missing_a_stale_a_double_and_a_bare_row_are_found() {
        let names: BTreeSet<String> = ["one", "two"].map(str::to_owned).into();
        assert!(compare(&names, "# a comment\none  Project.Read\ntwo  Signed in\n").is_empty());
        assert_eq!(compare(&names, "one  Project.Read\n").len(), 1);
        assert_eq!(compare(&names, "one  a\ntwo  b\nthree  c\n").len(), 1);
        assert_eq!(compare(&names, "one  a\ntwo  b\ntwo  b\n").len(), 1);
        assert_eq!(compare(&names, "one  a\ntwo\n").len(), 2);
    }
}
