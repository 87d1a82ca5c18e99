//! Pipelines without YAML: the model, the templates, the forms, the compiler and the checks.
//! No IO, no clock, no randomness; the same code runs on the server and in the browser.
//!
//! The way from the gallery to the file:
//!
//! ```
//! use std::collections::BTreeMap;
//! use slipway_domain::pipeline::{Locale, compile, detect, form, instantiate, template, validate};
//!
//! // 1. Which template? Paths of the repository's root, languages in percent.
//! let suggestions = detect(&["package.json", "server.js"], &[("JavaScript".into(), 98.5)]);
//! let template = template(&suggestions[0].template).expect("a built-in template");
//!
//! // 2. One form. `form::fields` says what to draw, `form::parse` reads what was typed.
//! let inputs = BTreeMap::from([("node_version".to_owned(), "24".to_owned())]);
//! let parsed = form::parse(&template.params, &inputs);
//! for error in &parsed.errors {
//!     println!("{}: {}", error.param, error.message.text(Locale::ZhCn));
//! }
//!
//! // 3. The pipeline, its YAML with the lines of each job, and what is wrong with it.
//! let pipeline = instantiate(template, &parsed.values).expect("values that were checked");
//! let compiled = compile(&pipeline);
//! assert!(compiled.text.contains("image: node:24"));
//! assert!(validate(&pipeline).is_empty());
//! ```
//!
//! - [`templates`], [`template`], [`step_types`], [`step_type`]: what comes with Slipway, as data.
//! - [`form`]: fields, parsing, [`form::check_values`]; every refusal is a [`FieldMessage`].
//! - [`instantiate`] → [`Pipeline`] → [`compile`] → [`Compiled`]; [`validate`] → [`Problem`]s, each
//!   with a sentence in both languages and, where it is safe, a [`Fix`] to apply.
//! - [`layout`]: places for any graph of jobs, also of a run in GitLab.
//! - [`log`]: a job log as styled lines and sections. [`source`]: where a file is not YAML.
//! - [`inputs`]: what a file asks for when it is run, and whether it is given that.
//! - [`file`]: an existing `.gitlab-ci.yml`: import, write back, single-field changes, lint, merge.
//! - [`authored`]: templates that organizations and projects write, their versions and upgrades.
//! - [`parse_dotenv`]: the `release.env` that image jobs write (`IMAGE_NAME`, without tag,
//!   `IMAGE_DIGEST`, `RELEASE_VERSION`).
//!
//! Every type is serde, in snake case.

pub mod assemble;
pub mod authored;
pub mod file;
pub mod form;
pub mod inputs;
pub mod layout;
pub mod log;
pub mod source;

mod compile;
mod detect;
mod dotenv;
mod fix;
mod instantiate;
mod interpolate;
mod message;
mod model;
mod param;
mod problem;
mod step_type;
mod template;
mod validate;
mod value;
pub(crate) mod yaml;

pub use crate::text::{Locale, Text};
pub use compile::{Compiled, JobSpan, compile, compile_with};
pub use detect::{Suggestion, detect, detect_among};
pub use dotenv::parse_dotenv;
pub use fix::Fix;
pub use instantiate::instantiate;
pub use interpolate::{interpolate, references};
pub use message::{FieldError, FieldMessage};
pub use model::{
    Artifacts, Cache, Environment, Image, Job, Need, Pipeline, Reports, SCHEMA, Segment, Stage, Step,
    TemplateRef, Trigger, When,
};
pub use param::{Choice, Condition, Options, Param, ParamKind, Pattern, effective};
pub use problem::{Problem, ProblemCode, Severity};
pub use step_type::{
    Fragment, ScriptLine, StepArtifacts, StepKind, StepReports, StepType, StepTypes, step_type, step_types,
};
pub use template::{Change, Detect, Graph, GraphJob, GraphStep, LockedField, Template, template, templates};
pub use validate::{validate, validate_with};
pub use value::{Params, Value};
pub use yaml::Yaml;
