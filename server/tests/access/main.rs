//! The HTTP edge, held in the hand: a router around a real database, and people with and without rights.

mod abuse;
mod account;
mod check;
mod configuration;
mod coverage;
mod downloads;
mod fake_provider;
mod flash;
mod full_disk;
mod headers;
mod live;
mod mail;
mod openapi;
mod origin;
mod places;
mod problems;
mod providers;
mod rendered;
mod replicas;
mod scene;
mod sign_in;
mod tokens;
mod webhooks;
