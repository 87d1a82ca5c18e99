//! Migrations are named `0001_what_it_does.sql`, numbered without gaps, and have no way down.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;

pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let folder = root.join("migrations");
    let Ok(entries) = fs::read_dir(&folder) else {
        return Ok(Vec::new());
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<String>>>()
        .with_context(|| format!("could not list {}", folder.display()))?;
    names.retain(|name| name.rsplit('.').next() == Some("sql"));
    names.sort();
    Ok(findings(&names))
}

fn findings(names: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let expected = format!("{:04}_", index + 1);
        let words = name
            .strip_prefix(&expected)
            .and_then(|rest| rest.strip_suffix(".sql"));
        let valid = words.is_some_and(|words| {
            !words.is_empty()
                && words
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        });
        if !valid {
            findings.push(format!(
                "migrations/{name}: should be `{expected}what_it_does.sql`"
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_without_gaps_in_snake_case() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(findings(&names(&["0001_organizations.sql", "0002_runs.sql"])).is_empty());
        assert_eq!(
            findings(&names(&["0001_organizations.sql", "0003_runs.sql"])).len(),
            1
        );
        assert_eq!(findings(&names(&["0001_Organizations.sql"])).len(), 1);
        assert_eq!(findings(&names(&["0001_runs.down.sql"])).len(), 1);
    }
}
