//! What a form of the editor does in the browser: the change that it would post is made in the draft at once.

use super::state::Studio;
use crate::design::form::Here;

/// Makes the change that a form's fields say.
#[cfg(not(feature = "hydrate"))]
pub(super) fn change(_studio: Studio) -> Here {
    Box::new(|_, _| {})
}

/// Makes the change that a form's fields say.
#[cfg(feature = "hydrate")]
pub(super) fn change(studio: Studio) -> Here {
    use crate::design::form::fields_of;
    use leptos::prelude::*;
    use leptos_router::NavigateOptions;
    use leptos_router::hooks::use_navigate;
    use wasm_bindgen::JsCast;
    let navigate = use_navigate();
    Box::new(move |ev, error| {
        ev.prevent_default();
        let form = ev
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok());
        let Some(fields) = form.and_then(|form| fields_of(&form, &ev)) else {
            return;
        };
        let sent = js_sys::Array::from(&fields);
        let change = sent
            .iter()
            .filter_map(|pair| {
                let pair = js_sys::Array::from(&pair);
                let (name, value) = (pair.get(0).as_string()?, pair.get(1).as_string()?);
                let key = name.strip_prefix("change[")?.strip_suffix(']')?;
                Some((key.to_owned(), value))
            })
            .collect();
        match studio.change(&change, true) {
            Ok(step) => {
                error.try_set(None);
                if let Some(then) = step.then {
                    let to = studio.href(Some(&then));
                    let options = NavigateOptions {
                        scroll: false,
                        ..NavigateOptions::default()
                    };
                    navigate(&to, options);
                }
            }
            Err(refused) => {
                error.try_set(Some(refused));
            }
        }
    })
}
