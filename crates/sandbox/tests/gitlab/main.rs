//! The sandbox's GitLab, at the wire.

mod ci;
mod contract;
mod jobs;
mod judge;
mod server;
mod sign_in;
mod transport;
mod webhooks;
