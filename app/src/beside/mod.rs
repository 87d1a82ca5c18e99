//! What stands beside the pipeline editor, each on a page of its own: a job for another app, and what became in git of
//! the jobs that Slipway wrote.

pub mod api;
mod copy;
mod drift;

pub use copy::copy_page;
pub use drift::drift_page;
