//! Templates that organizations and projects write: the document, its versions, what a newer version changes, and
//! bringing an app from one version to another. Pure; the author's page runs the same code in the browser.
//!
//! - [`read`]: the text of a document becomes a [`Template`](super::Template), or findings with line and column.
//! - [`compare`], [`Bump`], [`next`]: what changed between two versions, and how large a step it is.
//! - [`migrate`]: the values of an app's form for another version.
//! - [`upgrade`]: the file in the repository with another version's jobs; what was changed by hand is kept.
//! - [`Lock`], [`apply_locks`], [`broken_locks`]: what those who use a template cannot change.
//! - [`rewrite`]: a document with another content, of which only what differs is written anew.
//! - [`scratch`], [`from_template`], [`from_file`]: what a new document begins with.

mod begin;
mod check;
mod compare;
mod document;
mod finding;
mod lock;
mod migrate;
mod place;
mod rewrite;
mod upgrade;
mod version;

pub use begin::{from_file, from_template, scratch};
pub use compare::{Aspect, Comparison, ParamChange, ParamState, compare, yaml_diff};
pub use document::{Document, LARGEST, read};
pub use finding::{TemplateFinding, TemplateIssue};
pub use lock::{BrokenLock, Lock, apply_locks, broken_locks, locked_canvas};
pub use migrate::{Carried, Migration, migrate};
pub use rewrite::{RewriteError, lines_of_jobs, rewrite};
pub use upgrade::{Upgrade, UpgradeError, UpgradeInput, retag, upgrade};
pub use version::{Bump, VersionError, bump_between, next, parse_version};
