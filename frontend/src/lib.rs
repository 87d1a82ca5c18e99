//! The browser entry point: a panic hook, and the app takes the page over.

use slipway_app::App;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the script of every page once the WASM is there.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_lazy(App);
}
