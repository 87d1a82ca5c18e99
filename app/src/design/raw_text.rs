//! Text in elements whose content Leptos writes into the page as it is: `title` and `textarea` (in HTML's words, the
//! escapable raw text elements).

/// `text` as it must be given to such an element: on the server with references for what would end the element.
#[cfg(feature = "ssr")]
pub fn raw_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// `text` as it must be given to such an element: in the browser, which sets it as text, as it is.
#[cfg(not(feature = "ssr"))]
pub fn raw_text(text: &str) -> String {
    text.to_owned()
}
