//! Reading JSON: by the browser's own parser there, so that the one which the server uses stays out of the WASM.

use serde::de::DeserializeOwned;

/// Reads a value from JSON.
///
/// # Errors
/// What does not fit, in the parser's words.
#[cfg(not(feature = "hydrate"))]
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Reads a value from JSON.
///
/// # Errors
/// What does not fit, in the parser's words.
#[cfg(feature = "hydrate")]
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let value = js_sys::JSON::parse(text).map_err(|error| format!("{error:?}"))?;
    serde_wasm_bindgen::from_value(value).map_err(|error| error.to_string())
}
