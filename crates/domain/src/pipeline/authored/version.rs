//! Versions of templates, and how large the step from one to another is.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// How large a step between two versions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bump {
    /// Forms and values stay as they are.
    Patch,
    /// Everything that was filled in still holds; there is more to fill in.
    Minor,
    /// Somebody has to look at what was filled in.
    Major,
}

impl Bump {
    /// What the step is called.
    pub fn text(self) -> Text {
        match self {
            Self::Patch => Text::new("patch", "修订版本"),
            Self::Minor => Text::new("minor version", "次版本"),
            Self::Major => Text::new("major version", "主版本"),
        }
    }
}

/// Why a version cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not three numbers.
    #[error("write three numbers, such as 1.2.0")]
    Shape,
    /// Not after the newest one.
    #[error("choose a version after {newest}")]
    NotNewer {
        /// The newest version.
        newest: String,
    },
    /// A smaller step than what changed needs.
    #[error("what changed needs a {} at least: {least}", needed.text().en)]
    TooSmall {
        /// What the change needs.
        needed: Bump,
        /// The smallest version that will do.
        least: String,
    },
}

impl VersionError {
    /// The words for a field's error.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Shape => String::from("请填写三段数字，例如 1.2.0"),
            Self::NotNewer { newest } => format!("版本须高于 {newest}"),
            Self::TooSmall { needed, least } => {
                format!("此改动至少需要升{}：{least}", needed.text().zh)
            }
        };
        Text::new(self.to_string(), zh)
    }
}

/// Reads a version: three numbers without leading zeros and without a suffix.
///
/// # Errors
/// [`VersionError::Shape`].
pub fn parse_version(text: &str) -> Result<Version, VersionError> {
    let version = Version::parse(text.trim()).map_err(|_| VersionError::Shape)?;
    // Numbers beyond this are stored by nobody.
    let small = |part: u64| part <= 1_000_000;
    let plain = version.pre.is_empty() && version.build.is_empty();
    if plain && small(version.major) && small(version.minor) && small(version.patch) {
        Ok(version)
    } else {
        Err(VersionError::Shape)
    }
}

/// How large the step from one version to a later one is; none: it is not later.
pub fn bump_between(from: &Version, to: &Version) -> Option<Bump> {
    if to <= from {
        None
    } else if to.major != from.major {
        Some(Bump::Major)
    } else if to.minor != from.minor {
        Some(Bump::Minor)
    } else {
        Some(Bump::Patch)
    }
}

/// The version a step after another. Before 1.0.0 nothing is promised, and the same rules hold.
pub fn next(newest: &Version, bump: Bump) -> Version {
    match bump {
        Bump::Patch => Version::new(newest.major, newest.minor, newest.patch + 1),
        Bump::Minor => Version::new(newest.major, newest.minor + 1, 0),
        Bump::Major => Version::new(newest.major + 1, 0, 0),
    }
}
