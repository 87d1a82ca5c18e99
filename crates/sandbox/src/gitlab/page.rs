//! Pagination: offset pages with GitLab's `X-*` and `Link` headers, and keyset pages.

use serde_json::Value;

use super::call::{Answer, Call, Outcome};

const DEFAULT: usize = 20;
const MOST: usize = 100;

fn per_page(call: &Call) -> usize {
    call.opt_u64("per_page")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(DEFAULT)
        .clamp(1, MOST)
}

/// Answers one offset page of `items`.
pub fn answer(call: &Call, items: Vec<Value>) -> Outcome {
    answer_of(call, items, |item| item)
}

/// Answers one offset page of `items`, of which only those on it are written out.
pub fn answer_of<T>(call: &Call, items: Vec<T>, written: impl FnMut(T) -> Value) -> Outcome {
    let per_page = per_page(call);
    let page = call
        .opt_u64("page")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(1)
        .max(1);
    let total = items.len();
    let pages = total.div_ceil(per_page).max(1);
    let shown: Vec<Value> = items
        .into_iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .map(written)
        .collect();
    let next = if page < pages {
        (page + 1).to_string()
    } else {
        String::new()
    };
    let previous = if page > 1 {
        (page - 1).to_string()
    } else {
        String::new()
    };

    let mut links = Vec::new();
    let mut link = |rel: &str, number: &str| {
        let extra = [("page", number.to_owned()), ("per_page", per_page.to_string())];
        links.push(format!("<{}>; rel=\"{rel}\"", address(call, &extra)));
    };
    if !previous.is_empty() {
        link("prev", &previous);
    }
    if !next.is_empty() {
        link("next", &next);
    }
    link("first", "1");
    link("last", &pages.to_string());
    Ok(Answer::json(200, &Value::Array(shown))
        .with("link", links.join(", "))
        .with("x-next-page", next)
        .with("x-page", page.to_string())
        .with("x-per-page", per_page.to_string())
        .with("x-prev-page", previous)
        .with("x-total", total.to_string())
        .with("x-total-pages", pages.to_string()))
}

/// Answers one keyset page of `items`, which begin after the cursor; `cursor` reads an item's own cursor
/// and `name` is the query parameter that carries it.
pub fn keyset(call: &Call, items: Vec<Value>, name: &str, cursor: impl Fn(&Value) -> String) -> Outcome {
    let per_page = per_page(call);
    let more = items.len() > per_page;
    let shown: Vec<Value> = items.into_iter().take(per_page).collect();
    let next = shown.last().filter(|_| more).map(|last| {
        let extra = [(name, cursor(last)), ("per_page", per_page.to_string())];
        format!("<{}>; rel=\"next\"", address(call, &extra))
    });
    let answer = Answer::json(200, &Value::Array(shown)).with("x-per-page", per_page.to_string());
    Ok(match next {
        Some(link) => answer.with("link", link),
        None => answer,
    })
}

/// This call's address with some query parameters replaced.
fn address(call: &Call, replaced: &[(&str, String)]) -> String {
    let path = call.target.split('?').next().unwrap_or_default();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in &call.query {
        if !replaced.iter().any(|(name, _)| name == key) {
            query.append_pair(key, value);
        }
    }
    for (key, value) in replaced {
        query.append_pair(key, value);
    }
    format!("{}{path}?{}", call.app.url, query.finish())
}
