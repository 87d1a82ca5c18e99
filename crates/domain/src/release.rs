//! Releases: one immutable thing that is promoted from environment to environment.

use crate::comparison::ItemLine;
use crate::environment::EnvironmentRef;
use crate::id::{ReleaseId, RunId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::report::scan::ScanSummary;
use crate::signature::Signature;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use crate::workload::{Workload, WorkloadOverride};

/// An image by digest, never by tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Image {
    /// The repository, as in `registry.example.com/acme/order-api`.
    pub repository: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
}

impl Image {
    /// The pullable reference, `repository@digest`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }

    /// Whether `text` is a digest: `sha256:` and 64 lower-case hex digits.
    pub fn is_digest(text: &str) -> bool {
        text.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64
                && hex
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }

    /// The first twelve digits of the digest, for people.
    pub fn short(&self) -> &str {
        self.digest
            .strip_prefix("sha256:")
            .and_then(|h| h.get(..12))
            .unwrap_or(&self.digest)
    }
}

/// What an approval is given to: a promotion's approvals hold for exactly this.
#[derive(Clone, Copy, Debug)]
pub struct SubjectParts<'a> {
    /// The images.
    pub images: &'a [Image],
    /// The rendered manifests.
    pub manifests: &'a str,
    /// `key@version` of the pipeline template, or nothing.
    pub template: &'a str,
    /// The version of the environment's approval rules.
    pub rules_version: i64,
}

/// The hash of the parts, SHA-256 in hex. Image order does not matter.
pub fn subject(parts: &SubjectParts<'_>) -> String {
    let mut images: Vec<String> = parts.images.iter().map(Image::reference).collect();
    images.sort();
    let images = images.join("\n");
    let version = parts.rules_version.to_string();
    let mut hasher = Sha256::new();
    for field in [images.as_str(), parts.manifests, parts.template, version.as_str()] {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hex::encode(hasher.finalize())
}

/// A commit, as far as people want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The whole hash.
    pub sha: String,
    /// Its first line.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// The author's e-mail, to know commit authors among approvers.
    pub author_email: String,
    /// When.
    pub at: Timestamp,
}

/// A release by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRef {
    /// Which.
    pub id: ReleaseId,
    /// Its version, unique in the app.
    pub version: String,
    /// Its commit.
    pub sha: String,
}

/// What the tests and scans of the release's own pipeline said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Tests that passed.
    pub tests_passed: i64,
    /// Tests that failed.
    pub tests_failed: i64,
    /// Tests that were skipped.
    pub tests_skipped: i64,
    /// What its scanners found.
    #[serde(default)]
    pub scans: Vec<ScanSummary>,
    /// Signatures of its images that its jobs left.
    #[serde(default)]
    pub signatures: Vec<Signature>,
}

/// A row of the release timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// Which.
    pub release: ReleaseRef,
    /// The branch or tag it was built from.
    pub git_ref: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The title of its commit.
    pub title: String,
    /// Where it runs now.
    pub running_in: Vec<EnvironmentRef>,
    /// When it was marked defective.
    pub defective_at: Option<Timestamp>,
}

/// The releases of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseList {
    /// Where.
    pub place: Place,
    /// Newest first.
    pub releases: Vec<ReleaseRow>,
    /// Ask for older ones with this; `None`: these are all.
    pub older_than: Option<String>,
}

/// A place the release could go to now, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionChoice {
    /// Where.
    pub environment: EnvironmentRef,
    /// What runs there.
    pub current: Option<String>,
    /// Why the reader cannot ask for it; `None`: they can.
    pub blocked: Option<crate::text::Text>,
    /// How many approvals it needs.
    pub approvals: u32,
    /// The environment before, where the release was never there completely: to go on without it is to skip it.
    pub skips: Option<String>,
}

/// What was rendered of a release for an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedManifests {
    /// The environment.
    pub environment: EnvironmentRef,
    /// The objects as YAML, without their namespace.
    pub yaml: String,
    /// SHA-256 of that, in hex.
    pub hash: String,
}

/// What the release's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Where.
    pub place: Place,
    /// Which.
    pub release: ReleaseRef,
    /// The branch or tag it was built from.
    pub git_ref: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who pushed the commit, where known.
    pub created_by: Option<PersonRef>,
    /// The run that built it, and its number in the app.
    pub run: Option<(RunId, i64)>,
    /// Its images.
    pub images: Vec<Image>,
    /// Commits since the release before.
    pub commits: Vec<Commit>,
    /// The version of the release before.
    pub previous: Option<String>,
    /// What its pipeline proved.
    pub evidence: Evidence,
    /// `key@version` of the pipeline template.
    pub template: Option<String>,
    /// The workload it was made with.
    pub workload: Workload,
    /// The work items that its commits name.
    pub items: Vec<ItemLine>,
    /// What was rendered of it for each environment, in chain order.
    pub manifests: Vec<RenderedManifests>,
    /// Whether the reader may mark it defective.
    pub may_mark: bool,
    /// Where it runs now.
    pub running_in: Vec<EnvironmentRef>,
    /// Where it could go.
    pub choices: Vec<PromotionChoice>,
    /// When it was marked defective, and why.
    pub defective: Option<(Timestamp, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(n: u8) -> Image {
        Image {
            repository: format!("r/app{n}"),
            digest: format!("sha256:{n:064x}"),
        }
    }

    #[test]
    fn the_subject_ignores_image_order_and_nothing_else() {
        let a = [image(1), image(2)];
        let b = [image(2), image(1)];
        let parts = SubjectParts {
            images: &a,
            manifests: "m",
            template: "node@1.0.0",
            rules_version: 1,
        };
        let base = subject(&parts);
        assert_eq!(base, subject(&SubjectParts { images: &b, ..parts }));
        assert_ne!(
            base,
            subject(&SubjectParts {
                images: &a[..1],
                ..parts
            })
        );
        assert_ne!(
            base,
            subject(&SubjectParts {
                manifests: "n",
                ..parts
            })
        );
        assert_ne!(
            base,
            subject(&SubjectParts {
                template: "node@1.0.1",
                ..parts
            })
        );
        assert_ne!(
            base,
            subject(&SubjectParts {
                rules_version: 2,
                ..parts
            })
        );
    }

    #[test]
    fn a_tag_is_not_a_digest() {
        assert!(Image::is_digest(&image(3).digest));
        assert!(!Image::is_digest("latest"));
        assert!(!Image::is_digest("sha256:abc"));
    }
}
