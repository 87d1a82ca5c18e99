//! Existing files: imported without loss, changed in one place, checked, merged.

mod corpus;
mod edit;
mod fixtures;
mod import;
mod lint;
mod merge;
mod random;
mod reader;
