//! The adapter against the sandbox's Kubernetes, over the wire.

mod access;
mod apply;
mod faults;
mod sandbox;
mod trouble;
