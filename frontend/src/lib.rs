//! The browser entry point: a panic hook, and the app takes the page over.

use leptos::mount::hydrate_from_async;
use leptos::prelude::{document, location};
use slipway_app::{App, fetch_part};
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the script of every page once the WASM is there. The page's own part is fetched first, so that hydration
/// goes through in one go; when everything is listened to, `<html data-alive>` says so.
#[wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    let Some(body) = document().body() else {
        return;
    };
    fetch_part(&location().pathname().unwrap_or_default()).await;
    hydrate_from_async(body, App).await.forget();
    if let Some(html) = document().document_element() {
        // It can only fail for a name that is none.
        let _ = html.set_attribute("data-alive", "");
    }
}
