//! What is wrong with a configuration.

use figment::Figment;
use std::fmt::Write as _;
use std::path::PathBuf;

/// One wrong value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, as in `server.listen`.
    pub key: String,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl Problem {
    /// A problem of `key`.
    pub fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            what: what.into(),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named file is not there.
    #[error("there is no configuration file {}; name another one with --config, or make it", .0.display())]
    NoFile(PathBuf),
    /// It cannot be read: not TOML, an unknown key, a value of another type.
    #[error("the configuration cannot be read:\n{0}")]
    Unreadable(String),
    /// Values that cannot be right.
    #[error("the configuration is wrong:\n{0}")]
    Wrong(String),
}

impl ConfigError {
    /// What figment found while it read.
    pub(super) fn read(error: figment::Error) -> Self {
        let mut lines = String::new();
        for one in error {
            let key = one.path.join(".");
            let source = one.metadata.as_ref().map_or_else(String::new, source_of);
            let hint = match &one.kind {
                figment::error::Kind::UnknownField(_, known) => format!("; known here: {}", known.join(", ")),
                figment::error::Kind::MissingField(_) => String::from("; add it"),
                _ => String::new(),
            };
            let key = if key.is_empty() {
                String::new()
            } else {
                format!("{key}: ")
            };
            let _ = writeln!(lines, "  {key}{}{hint}{source}", one.kind);
        }
        Self::Unreadable(lines.trim_end().to_owned())
    }

    /// What the sections found wrong with themselves.
    pub(super) fn wrong(figment: &Figment, problems: Vec<Problem>) -> Self {
        let mut lines = String::new();
        for problem in problems {
            // Entries of a list have no source of their own: theirs is the list's.
            let list = problem
                .key
                .split_once('.')
                .filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
            let place = list.map_or(problem.key.as_str(), |(list, _)| list);
            let source = figment
                .find_metadata(place)
                .map_or_else(|| String::from(" (not set)"), source_of);
            let _ = writeln!(lines, "  {}: {}{source}", problem.key, problem.what);
        }
        Self::Wrong(lines.trim_end().to_owned())
    }
}

fn source_of(metadata: &figment::Metadata) -> String {
    match &metadata.source {
        Some(source) => format!(" (from {source})"),
        None => format!(" (from {})", metadata.name),
    }
}
