//! The rules of Slipway: names, ids, rights, state machines, approval and the pipeline compiler.
//!
//! Nothing here does IO, reads a clock or draws random numbers, and all of it builds for wasm32: the
//! browser and the server run the same compiler, the same validation and the same explanations.
//!
//! Each noun has one file here, and a file of the same name in `portal` and `store`. Beside its rules a
//! noun's file holds its *read models*: the plain structs that a query returns and a page shows
//! (docs/adr/0002).

pub mod access;
pub mod app;
pub mod approval;
pub mod artifact;
pub mod audit;
pub mod board;
pub mod break_glass;
pub mod comparison;
pub mod connection;
pub mod delegation;
pub mod diff;
pub mod digest;
pub mod drift;
pub mod environment;
pub mod factor;
pub mod feature;
pub mod freeze;
pub mod gate;
pub mod group;
pub mod hold;
pub mod id;
pub mod identity;
pub mod import;
pub mod insight;
pub mod intake;
pub mod invitation;
pub mod item;
pub mod iteration;
pub mod mail;
pub mod manifest;
pub mod member;
pub mod message;
pub mod mirror;
pub mod name;
pub mod notice;
pub mod operator;
pub mod org;
pub mod person;
pub mod pipeline;
pub mod pod;
pub mod project;
pub mod promotion;
pub mod proposal;
pub mod provider;
pub mod quota;
pub mod release;
pub mod report;
pub mod roadmap;
pub mod role;
pub mod rollout;
pub mod run;
pub mod schedule;
pub mod search;
pub mod session;
pub mod signature;
pub mod subscriber;
pub mod table;
pub mod template;
pub mod text;
pub mod time;
pub mod token;
pub mod trail;
pub mod variable;
pub mod working_copy;
pub mod workload;
