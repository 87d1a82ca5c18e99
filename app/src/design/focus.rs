//! Where the focus is, while a page is drawn again. Leptos takes the attributes of an element away before it sets
//! them anew, and what is focused by its `href` or its `tabindex` loses the focus with them.

/// Puts the focus back to where it is now, once the page has been drawn.
#[cfg(feature = "hydrate")]
pub fn keep() {
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    let focused = document()
        .active_element()
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
        .filter(|element| element.has_attribute("href") || element.has_attribute("tabindex"));
    let Some(focused) = focused else {
        return;
    };
    request_animation_frame(move || {
        let nothing_else = document()
            .active_element()
            .is_none_or(|element| element.tag_name() == "BODY");
        if nothing_else && focused.is_connected() {
            let _ = focused.focus();
        }
    });
}

#[cfg(not(feature = "hydrate"))]
pub const fn keep() {}
