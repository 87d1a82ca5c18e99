//! What a plain form post left behind for the page it came from.

use crate::error::AppError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A failed post of a form without JavaScript: shown once, on the next page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The form's action, as in `/api/fn/promotion/request`.
    pub form: String,
    /// Why it was refused.
    pub error: AppError,
    /// What was typed, by field; never secrets.
    pub fields: Vec<(String, String)>,
    /// What a form made that nobody can look up afterwards, as the link of an invitation; its error is empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
}

/// What the server function that runs has to show once; see [`show_once`].
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default)]
pub struct Once(std::sync::Arc<std::sync::Mutex<Option<String>>>);

#[cfg(feature = "ssr")]
impl Once {
    /// What is to be shown, if anything.
    pub fn take(&self) -> Option<String> {
        self.0.lock().ok().and_then(|mut kept| kept.take())
    }
}

/// Shows `secret` on the next page, and never again: its form must be plain.
#[cfg(feature = "ssr")]
pub fn show_once(secret: String) {
    if let Some(once) = use_context::<Once>()
        && let Ok(mut kept) = once.0.lock()
    {
        *kept = Some(secret);
    }
}

impl Flash {
    /// What was typed into the field `name`.
    pub fn typed(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, typed)| typed.as_str())
    }

    /// The flash of this page for the form that posts to `action`.
    pub fn of(action: &str) -> Option<Self> {
        use_context::<crate::Seed>()
            .and_then(|seed| seed.flash)
            .filter(|flash| flash.form == action)
    }

    /// Whether the page shows the refusal of the form that posts to `action` with the hidden field `key.0` as `key.1`: what
    /// the form is folded into is open then.
    pub fn refused(action: &str, key: (&str, &str)) -> bool {
        Self::of(action).is_some_and(|flash| {
            flash.shown.is_none() && flash.typed(key.0).is_none_or(|typed| typed == key.1)
        })
    }
}
