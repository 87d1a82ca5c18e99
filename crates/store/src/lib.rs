//! The `Store` port on SQLite and PostgreSQL: one SQL dialect over `sqlx::Any`.
//!
//! Every noun implements its trait of `slipway_portal::ports` for [`SqlTx`] in the file of its name. SQL
//! stands there as static strings, with the tenant in every `WHERE`. What differs between the databases
//! is here and in [`error`](mod@error): pools, pragmas, how a write transaction begins.

mod access;
mod app;
mod attachment;
mod audit;
mod board;
mod break_glass;
mod comment;
mod connect;
mod connection;
mod delegation;
mod digest;
mod drift;
mod environment;
mod error;
mod factor;
mod freeze;
mod group;
mod hold;
mod home;
mod identity;
mod import;
mod intake;
mod invitation;
mod item;
mod iteration;
mod lane;
mod mail;
mod member;
mod migrate;
mod mirror;
mod notice;
mod notify;
mod oauth;
mod operator;
mod org;
mod outbox;
mod person;
mod place;
mod promotion;
mod proposal;
mod provider;
mod release;
mod revision;
mod role;
mod row;
mod run;
mod search;
mod secret;
mod session;
mod shelf;
mod snapshot;
mod subscriber;
mod table;
mod template;
mod token;
mod trail;
mod watch;
mod webhook;
mod working_copy;

pub use connect::{SqlStore, SqlTx};
