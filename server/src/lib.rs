//! The composition root of Slipway and its HTTP edge, as a library so that tests can hold the edge in
//! their hands. The program is in `main.rs`.

pub mod command;
pub mod config;
pub mod demo;
pub mod http;
pub mod installed;
pub mod outside;
pub mod running;
pub mod telemetry;
