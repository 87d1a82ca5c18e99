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
mod imports;
mod live;
mod mail;
mod matrix;
mod openapi;
mod origin;
mod places;
mod problems;
mod providers;
mod rendered;
mod replicas;
mod scene;
mod sign_in;
mod subscribers;
mod tokens;
mod webhooks;
