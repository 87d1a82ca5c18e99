//! What stays while a page is drawn again: the focus, what was chosen, and which forms are unfolded. Leptos takes the attributes of an element away
//! before it sets them anew: what is focused by its `href` or its `tabindex` loses the focus with them, and a list of
//! choices goes back to the one that its page came with.

/// Puts the focus and the choices back to where they are now, once the page has been drawn.
#[cfg(feature = "hydrate")]
pub fn keep() {
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    keep_choices();
    keep_unfolded();
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

/// Lists in which something else is chosen than what the page came with.
#[cfg(feature = "hydrate")]
fn keep_choices() {
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    let Ok(found) = document().query_selector_all("main select[id]") else {
        return;
    };
    let mut chosen = Vec::new();
    for at in 0..found.length() {
        let Some(list) = found
            .item(at)
            .and_then(|node| node.dyn_into::<web_sys::HtmlSelectElement>().ok())
        else {
            continue;
        };
        let option = |which| list.query_selector(which).ok().flatten();
        let first = option("option[selected]").or_else(|| option("option"));
        if first.and_then(|option| option.get_attribute("value")) != Some(list.value()) {
            chosen.push((list.id(), list.value()));
        }
    }
    if chosen.is_empty() {
        return;
    }
    request_animation_frame(move || {
        for (id, value) in &chosen {
            let list = document()
                .get_element_by_id(id)
                .and_then(|element| element.dyn_into::<web_sys::HtmlSelectElement>().ok());
            if let Some(list) = list {
                let drawn = list.value();
                list.set_value(value);
                if list.selected_index() < 0 {
                    // It is no choice any more.
                    list.set_value(&drawn);
                }
            }
        }
    });
}

/// Forms that are folded or unfolded: what is in them may be half typed.
#[cfg(feature = "hydrate")]
fn keep_unfolded() {
    use leptos::prelude::*;
    let before: Vec<(String, bool)> = foldable_forms()
        .into_iter()
        .map(|(name, fold)| (name, fold.has_attribute("open")))
        .collect();
    if before.is_empty() {
        return;
    }
    request_animation_frame(move || {
        for (name, fold) in foldable_forms() {
            if let Some((_, open)) = before.iter().find(|(kept, _)| *kept == name) {
                let _ = fold.toggle_attribute_with_force("open", *open);
            }
        }
    });
}

/// The forms of the page that fold, each by what it is called: its place's heading and its own summary.
#[cfg(feature = "hydrate")]
fn foldable_forms() -> Vec<(String, web_sys::Element)> {
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    let Ok(found) = document().query_selector_all("main details:not(.menu):has(form)") else {
        return Vec::new();
    };
    let text = |within: &web_sys::Element, which| {
        let named = within.query_selector(which).ok().flatten();
        named.and_then(|named| named.text_content()).unwrap_or_default()
    };
    (0..found.length())
        .filter_map(|at| found.item(at)?.dyn_into::<web_sys::Element>().ok())
        .map(|fold| {
            let place = fold.closest("section, article, .box").ok().flatten();
            let heading = place.map(|place| text(&place, "h2, h3")).unwrap_or_default();
            (format!("{heading}\n{}", text(&fold, "summary")), fold)
        })
        .collect()
}

#[cfg(not(feature = "hydrate"))]
pub const fn keep() {}
