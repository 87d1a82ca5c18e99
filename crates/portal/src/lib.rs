//! The use cases of Slipway and the ports they need.
//!
//! A use case is a function `(&OpCtx, input) → Result`. There is no SQL, no HTTP status and no UI here.
//! Looking something up is authorizing it ([`access`]); every change goes through a [`change::Change`],
//! which holds the transaction, its audit rows and its outbox rows, and publishes invalidations once it
//! is committed.

pub mod access;
pub mod app;
pub mod artifact;
pub mod attachment;
pub mod audit;
pub mod board;
pub mod break_glass;
pub mod change;
pub mod cluster;
pub mod comparison;
pub mod connection;
pub mod context;
pub mod delegation;
pub mod digest;
pub mod drift;
pub mod environment;
pub mod error;
pub mod factor;
pub mod fault;
pub mod feature;
pub mod freeze;
pub mod group;
pub mod hold;
pub mod home;
pub mod identity;
pub mod import;
pub mod insight;
pub mod intake;
pub mod invitation;
pub mod item;
pub mod iteration;
pub mod jobs;
pub mod live;
pub mod mail;
pub mod markdown;
pub mod member;
pub mod mirror;
pub mod notice;
pub mod operator;
pub mod org;
pub mod outgoing;
pub mod password;
pub mod person;
pub mod place;
pub mod pod;
pub mod ports;
pub mod project;
pub mod promotion;
pub mod proposal;
pub mod provider;
pub mod quota;
pub mod release;
pub mod report;
pub mod repository;
pub mod roadmap;
pub mod role;
pub mod run;
pub mod schedule;
pub mod seal;
pub mod search;
pub mod secret;
pub mod session;
pub mod shelf;
mod signature;
mod snapshot;
pub mod subscriber;
pub mod table;
pub mod template;
pub mod token;
mod totp;
pub mod trail;
pub mod variable;
pub mod version;
pub mod watch;
pub mod webhook;
pub mod working_copy;
pub mod workload;

pub use context::{Actor, InSession, OpCtx, Portal, PortalParts, Via};
pub use error::{Denial, Error, FieldError, Result};
