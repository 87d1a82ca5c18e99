//! The CI language: reading `.gitlab-ci.yml`, checking it, and planning a pipeline's jobs.

pub mod artifact;
pub mod buildah;
pub mod config;
pub mod create;
pub mod expression;
mod job_files;
mod job_run;
pub mod lint;
pub mod plan;
pub mod process;
pub mod runner;
pub mod shell;
pub mod trace;
pub mod validate;
pub mod variables;
pub mod yaml;
