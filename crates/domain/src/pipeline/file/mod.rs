//! An existing `.gitlab-ci.yml`, and changes to it that leave everything else byte for byte as it was.
//!
//! [`tree`] reads it with the place of every value, [`effective`] writes aliases, merge keys,
//! references and `extends` out, [`lint`] says what GitLab would refuse. [`import`] cuts the file into
//! segments that together are the file, and says of each whether Slipway understands it; [`write_back`]
//! puts them together again. [`edit`] changes one field and refuses where more than that field would
//! change. [`merge`] puts two sides of one file together job by job, [`drift`] finds what was edited in
//! git, and [`side`] moves Slipway's jobs to a file of their own.

pub mod drift;
pub mod edit;
pub mod effective;
pub mod finding;
pub mod import;
pub mod job;
pub mod lint;
pub mod merge;
pub mod side;
pub mod tree;

mod assignment;
mod builder;
mod classify;
mod cut;
mod editor;
mod insert;
mod items;
mod lines;
mod parse;
mod place;
mod quoted;
mod refusal;
mod scalar;
mod scalars;
mod shape;
mod value;

pub use assignment::Assignment;
pub use cut::{Cut, CutKind, Locked, Marker, Reason, ReasonCode};
pub use edit::{Edited, edit};
pub use finding::{Finding, FindingCode};
pub use import::{Import, ImportedJob, import, write_back};
pub use lint::{is_refused, lint};
pub use refusal::Refusal;
pub use scalar::NewValue;
