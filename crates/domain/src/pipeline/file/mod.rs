//! An existing `.gitlab-ci.yml`, and changes to it that leave everything else byte for byte as it was.
//!
//! What the editor needs, in the order it needs it:
//!
//! ```
//! use slipway_domain::pipeline::file::{Dependents, Draft, Edit, NewValue, canvas};
//!
//! let base = "build:\n  script: make # quick\n\ntest:\n  needs: [build]\n  script: make test\n";
//!
//! // 1. What to draw: columns, nodes, edges, and the fields of each node with their values.
//! let shown = canvas(base, false).expect("YAML");
//! let places = shown.layout();
//! assert_eq!((places.nodes.len(), places.edges.len()), (2, 1));
//! let image = shown.job("build").and_then(|job| job.field("image")).expect("a field");
//! assert!(image.locked.is_none() && image.value.is_none());
//!
//! // 2. A draft is a list of changes. It is stored and sent as it is; the text comes from base and draft.
//! let mut draft = Draft::default();
//! let set = Edit::Set {
//!     job: "build".into(),
//!     path: vec!["image".into()],
//!     value: NewValue::Text("node:24".into()),
//! };
//! let written = draft.make(base, set).expect("image can be set");
//! assert!(written.text.starts_with("build:\n  image: node:24\n  script: make # quick\n"));
//!
//! // 3. What cannot be done is refused with the reason, and the draft stays as it was.
//! let remove = Edit::RemoveJob { job: "build".into(), dependents: Dependents::Refuse };
//! let refused = draft.make(base, remove).expect_err("test needs it");
//! assert!(refused.refusal.message(slipway_domain::text::Locale::En).contains("test"));
//!
//! // 4. Undo and redo; the text is the very text that was there before.
//! draft.undo();
//! assert_eq!(draft.text(base).expect("nothing to make").text, base);
//! ```
//!
//! - [`canvas()`]: a file as [`Canvas`], which [`layout`](super::layout) places. Of each job its
//!   [`CutKind`]: `Managed` (all in forms), `Partial` (some fields are locked, each with its reason) or
//!   `Opaque` (drawn hatched, “kept as is”; it can still be renamed, duplicated, moved, disabled, removed
//!   and needed).
//! - [`Edit`]: every change there is. [`apply`] makes changes in a text; [`Draft`] remembers them, undoes
//!   and redoes. Jobs are named by their keys in the file as it is at that moment; after a rename the next
//!   change uses the new name. [`Edit::All`] makes several changes one (an insertion on an edge: add the
//!   job, need it, drop the old need).
//! - [`Written`]: the new text, the entries that changed, and jobs that run differently because they
//!   extend or reference one of those. [`Refused`]: which change, the [`Refusal`] with its sentence in
//!   both languages, and the patch where the result was not what was meant or GitLab would refuse it.
//! - [`merge`]: when the file changed in git since the draft began, `merge::compare(base, repository,
//!   draft text)` gives the three versions job by job, and `merge::merge` puts them together as chosen.
//!   [`drift`] says which of Slipway's own jobs were edited in git.
//! - [`side`]: where most of a file is opaque ([`Canvas::side_file`]), Slipway's jobs go to a file of
//!   their own, and the root gets one `include`.
//! - [`import`], [`write_back`]: the pieces of a file, which together are the file. [`lint`]: what GitLab
//!   would refuse. [`edit`](edit()): one field, from the command line.
//!
//! How it stays whole: every change is a list of replaced bytes together with what the file shall mean
//! after it. The result is read again; unless it means exactly that, unless every entry the change is not
//! about has the bytes it had, and unless GitLab would take it as it took the file before, nothing is
//! written. [`tree`] reads a file with the place of every value, [`effective`] writes aliases, merge keys,
//! references and `extends` out.

pub mod advice;
pub mod canvas;
pub mod carry;
pub mod draft;
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
mod change;
mod classify;
mod cut;
mod edges;
mod editor;
mod insert;
mod items;
mod jobs;
mod lines;
mod listing;
mod named;
mod parse;
mod place;
mod plan;
mod put;
mod quoted;
mod refusal;
mod scalar;
mod scalars;
mod shape;
mod stages;
mod top;
mod value;
mod work;
mod written;

pub use assignment::Assignment;
pub use canvas::{Canvas, canvas};
pub use change::{Dependents, Edit, JobPlace};
pub use cut::{Cut, CutKind, Locked, Marker, Reason, ReasonCode};
pub use draft::{Draft, Refused, Written, apply};
pub use edit::{Edited, edit};
pub use finding::{Finding, FindingCode};
pub use import::{Import, ImportedJob, import, write_back};
pub use lint::{is_refused, lint};
pub use refusal::Refusal;
pub use scalar::NewValue;
