//! Existing files: imported without loss, changed in one place, checked, merged.

mod carry;
mod corpus;
mod draft;
mod edit;
mod fixtures;
mod import;
mod lint;
mod merge;
mod random;
mod reader;
mod side;
mod storm;
mod undo;
