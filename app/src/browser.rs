//! The few things that only a browser can do. On the server they do nothing, so that callers need no `cfg`.

#[cfg(feature = "hydrate")]
use crate::error::AppError;

/// What a posted form led to.
#[cfg(feature = "hydrate")]
#[derive(Debug, Default)]
pub struct Posted {
    /// Where to go next, when the server said so.
    pub location: Option<String>,
    /// What it answered.
    pub body: String,
}

#[cfg(feature = "hydrate")]
mod real {
    use super::{AppError, Posted};
    use slipway_domain::text::Locale;
    use std::sync::OnceLock;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    /// The language of `<html lang>`, which the server chose.
    pub fn locale() -> Locale {
        static LOCALE: OnceLock<Locale> = OnceLock::new();
        *LOCALE.get_or_init(|| {
            let lang = leptos::prelude::document()
                .document_element()
                .and_then(|html| html.get_attribute("lang"));
            Locale::from_tag(lang.as_deref().unwrap_or_default())
        })
    }

    async fn call(url: &str, body: Option<&JsValue>) -> Result<web_sys::Response, AppError> {
        let request = || {
            let init = web_sys::RequestInit::new();
            if let Some(body) = body {
                init.set_method("POST");
                init.set_body(body);
            }
            let request = web_sys::Request::new_with_str_and_init(url, &init)?;
            request.headers().set("accept", "application/json")?;
            Ok::<_, JsValue>(leptos::prelude::window().fetch_with_request(&request))
        };
        let answer = JsFuture::from(request().map_err(|_| AppError::offline())?).await;
        answer
            .map_err(|_| AppError::offline())?
            .dyn_into()
            .map_err(|_| AppError::offline())
    }

    async fn text(response: &web_sys::Response) -> Result<String, AppError> {
        let text = JsFuture::from(response.text().map_err(|_| AppError::offline())?).await;
        text.ok()
            .and_then(|t| t.as_string())
            .ok_or_else(AppError::offline)
    }

    async fn refused(response: &web_sys::Response) -> AppError {
        let body = text(response).await.unwrap_or_default();
        crate::json::parse(&body).unwrap_or_else(|_| AppError {
            code: String::from("internal"),
            status: response.status(),
            message: crate::tr!(common.internal),
            ..AppError::default()
        })
    }

    /// Reads `url`: the text of a 2xx answer, or the error that the server sent.
    pub async fn get(url: &str) -> Result<String, AppError> {
        let response = call(url, None).await?;
        if response.ok() {
            text(&response).await
        } else {
            Err(refused(&response).await)
        }
    }

    /// Posts a form's fields to `url`.
    pub async fn post(url: &str, fields: &web_sys::UrlSearchParams) -> Result<Posted, AppError> {
        let response = call(url, Some(fields)).await?;
        if !response.ok() {
            return Err(refused(&response).await);
        }
        let headers = response.headers();
        let redirected = headers.has(server_fn::redirect::REDIRECT_HEADER).unwrap_or(false);
        let location = if redirected {
            headers.get("location").ok().flatten()
        } else {
            None
        };
        let body = if redirected {
            String::new()
        } else {
            text(&response).await?
        };
        Ok(Posted { location, body })
    }

    /// Moves the focus to the first element that `selector` finds, after the page has been drawn.
    pub fn focus(selector: impl Into<std::borrow::Cow<'static, str>>) {
        let selector = selector.into();
        leptos::prelude::request_animation_frame(move || {
            let found = leptos::prelude::document()
                .query_selector(&selector)
                .ok()
                .flatten();
            if let Some(element) = found.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
                // What can be focused by itself stays in the order of the keys.
                if !element.has_attribute("tabindex") && element.tab_index() < 0 {
                    let _ = element.set_attribute("tabindex", "-1");
                }
                let _ = element.focus();
            }
        });
    }

    /// Puts the text of the file that was just chosen into the text area `name` of the same form.
    pub fn fill_from_file(event: &web_sys::Event, name: &'static str) {
        let input = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        let Some((file, form)) = input.and_then(|input| Some((input.files()?.get(0)?, input.form()?))) else {
            return;
        };
        wasm_bindgen_futures::spawn_local(async move {
            let text = JsFuture::from(file.text())
                .await
                .ok()
                .and_then(|text| text.as_string());
            let field = form
                .elements()
                .named_item(name)
                .and_then(|field| field.dyn_into::<web_sys::HtmlTextAreaElement>().ok());
            if let (Some(text), Some(field)) = (text, field) {
                field.set_value(&text);
                if let Ok(event) = web_sys::Event::new("input") {
                    let _ = field.dispatch_event(&event);
                }
            }
        });
    }

    /// Sends the files that were dropped on a form with a field `file`.
    pub fn drop_file(event: &web_sys::DragEvent) {
        event.prevent_default();
        if let Some(files) = event.data_transfer().and_then(|dropped| dropped.files()) {
            send_files(event, &files);
        }
    }

    /// Sends the files that were pasted into a form with a field `file`; a text is pasted as ever.
    pub fn paste_file(event: &web_sys::ClipboardEvent) {
        let files = event.clipboard_data().and_then(|pasted| pasted.files());
        if let Some(files) = files.filter(|files| files.length() > 0) {
            event.prevent_default();
            send_files(event, &files);
        }
    }

    fn send_files(event: &web_sys::Event, files: &web_sys::FileList) {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let form = target
            .and_then(|target| target.closest("form").ok().flatten())
            .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok());
        let Some(form) = form.filter(|_| files.length() > 0) else {
            return;
        };
        let input = form
            .elements()
            .named_item("file")
            .and_then(|input| input.dyn_into::<web_sys::HtmlInputElement>().ok());
        if let Some(input) = input {
            input.set_files(Some(files));
            let _ = form.request_submit();
        }
    }

    /// Does some work and leaves how long it took with the page, as the measure `name` of its performance timeline: the
    /// developer's tools show it, and `end2end/bench` reads it. Only the last one of a name is kept.
    pub fn timed<T>(name: &str, work: impl FnOnce() -> T) -> T {
        let clock = js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str("performance"));
        let note = |act: &str, more: Option<&str>| {
            let clock = clock.as_ref().ok()?;
            let act = js_sys::Reflect::get(clock, &JsValue::from_str(act)).ok()?;
            let act = act.dyn_ref::<js_sys::Function>()?;
            let name = JsValue::from_str(name);
            match more {
                Some(more) => act.call2(clock, &name, &JsValue::from_str(more)),
                None => act.call1(clock, &name),
            }
            .ok()
        };
        note("clearMarks", None);
        note("clearMeasures", None);
        note("mark", None);
        let made = work();
        note("measure", Some(name));
        made
    }

    /// Opens the browser's way to print the page.
    pub fn print() {
        let _ = leptos::prelude::window().print();
    }

    /// Leaves for another address with a full page load.
    pub fn leave_for(url: &str) {
        let _ = leptos::prelude::window().location().set_href(url);
    }

    /// As [`leave_for`], but once: a page that comes back from the browser's memory does not leave again.
    pub fn leave_once_for(url: &str) {
        use std::cell::RefCell;
        thread_local! { static LEFT: RefCell<String> = const { RefCell::new(String::new()) }; }
        let fresh = LEFT.with_borrow_mut(|left| {
            let fresh = left != url;
            url.clone_into(left);
            fresh
        });
        if fresh {
            leave_for(url);
        }
    }

    /// Milliseconds since the epoch, and the reader's offset from UTC at `ms`, in minutes east.
    pub fn now_ms() -> f64 {
        js_sys::Date::now()
    }

    /// The reader's offset from UTC at `ms` since the epoch, in minutes east.
    #[expect(clippy::cast_possible_truncation, reason = "an offset is under a day")]
    pub fn offset_minutes(ms: f64) -> i64 {
        -js_sys::Date::new(&JsValue::from_f64(ms)).get_timezone_offset() as i64
    }
}

#[cfg(not(feature = "hydrate"))]
mod real {
    /// The default; pages rendered on the server ask the request.
    #[cfg(not(feature = "ssr"))]
    pub fn locale() -> slipway_domain::text::Locale {
        slipway_domain::text::Locale::default()
    }
    /// No server to ask.
    #[cfg(not(feature = "ssr"))]
    pub async fn get(_url: &str) -> Result<String, crate::AppError> {
        Err(crate::AppError::offline())
    }
    /// Only a browser keeps times.
    pub fn timed<T>(_name: &str, work: impl FnOnce() -> T) -> T {
        work()
    }
    /// Files are dropped in browsers only.
    pub const fn drop_file(_event: &leptos::ev::DragEvent) {}
    /// Files are pasted in browsers only.
    pub const fn paste_file(_event: &leptos::ev::ClipboardEvent) {}
    /// Only a browser prints.
    pub const fn print() {}
    /// No page to leave.
    pub const fn leave_for(_url: &str) {}
    /// No focus to move.
    pub fn focus(_selector: impl Into<std::borrow::Cow<'static, str>>) {}
    /// No page to leave.
    pub const fn leave_once_for(_url: &str) {}
}

pub use real::*;
