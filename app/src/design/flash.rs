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
}
