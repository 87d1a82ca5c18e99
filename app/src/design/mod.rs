//! The design system: components on native elements, tokens by name (`style/tokens.css`).
//!
//! Every component answers an [`AnyView`](leptos::prelude::AnyView): what it is made of stays out of the
//! types of the pages that use it, which keeps compile times and the WASM small.

pub mod avatar;
pub mod button;
pub mod chart;
pub mod copy;
pub mod crumbs;
pub mod dialog;
pub mod diff;
pub mod environment;
pub mod field;
pub mod flash;
pub mod focus;
pub mod form;
pub mod icon;
pub mod lane;
pub mod nav;
pub mod page;
pub mod raw_text;
pub mod state;
pub mod status;
pub mod table;
pub mod tabs;
pub mod time;
pub mod toast;
pub mod upload;
pub mod user_menu;
