//! The signed-in person.

pub mod api;
