//! `GET /api/v1/docs`: the description of this API for people, who can try each operation right there. What is read
//! is in the HTML; a small script of our own sends the requests.

use super::Description;
use super::sample::sample;
use crate::http::headers::page_policy;
use crate::http::problem::escape;
use crate::http::visit::Visit;
use crate::http::{Edge, cookie};
use axum::Extension;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use serde_json::Value;
use slipway_app::FAVICON;
use slipway_domain::text::Locale;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use utoipa::OpenApi as _;

const SCRIPT: &str = include_str!("docs.js");

/// The methods of HTTP that the API uses, as OpenAPI writes them, in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The words of the page.
struct Words {
    title: &'static str,
    intro: &'static str,
    document: &'static str,
    tokens: &'static str,
    token: &'static str,
    token_help: &'static str,
    no_script: &'static str,
    body: &'static str,
    optional: &'static str,
    answers: &'static str,
    send: &'static str,
    home: &'static str,
}

const EN: Words = Words {
    title: "REST API",
    intro: "Everything that Slipway's pages do, for programs. What you send from here is real.",
    document: "OpenAPI document",
    tokens: "My tokens",
    token: "API token",
    token_help: "Leave it empty to ask as yourself, by your session. It is sent with your requests and kept nowhere.",
    no_script: "Sending from this page needs JavaScript; reading does not.",
    body: "Body",
    optional: "optional",
    answers: "Answers",
    send: "Send",
    home: "To my work",
};

const ZH: Words = Words {
    title: "REST API",
    intro: "Slipway 页面上的所有操作均可由程序完成。在此发送的请求会真实生效。",
    document: "OpenAPI 文档",
    tokens: "我的令牌",
    token: "API 令牌",
    token_help: "留空则以你当前的会话身份请求。令牌仅随请求发送，不会被保存。",
    no_script: "在此页面发送请求需要 JavaScript；阅读则不需要。",
    body: "请求正文",
    optional: "可选",
    answers: "响应",
    send: "发送",
    home: "返回首页",
};

/// The page.
pub async fn page(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Response {
    let locale = visit.ctx.locale();
    let words = match locale {
        Locale::En => &EN,
        Locale::ZhCn => &ZH,
    };
    let document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    let nonce = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
    let theme = cookie::read(&headers, "slipway_theme")
        .filter(|theme| matches!(*theme, "light" | "dark"))
        .unwrap_or("system");
    let style = format!("/{}/{}.css", edge.pages.site_pkg_dir, edge.pages.output_name);
    let html = format!(
        "<!DOCTYPE html><html lang=\"{lang}\" data-theme=\"{theme}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} · Slipway</title>\
         <link rel=\"icon\" href=\"{FAVICON}\" type=\"image/svg+xml\">\
         <link rel=\"stylesheet\" href=\"{style}\" nonce=\"{nonce}\"></head><body><main class=\"main stack wide\">\
         <div><h1>{title}</h1><p class=\"muted\">{intro}</p></div>\
         <p class=\"row wrap\"><a class=\"link\" href=\"/api/v1/openapi.json\">{document}</a>\
         <a class=\"link\" href=\"/me/tokens\">{tokens}</a><a class=\"link\" href=\"/\">{home}</a></p>\
         <noscript><p class=\"note\">{no_script}</p></noscript>\
         <div class=\"field\"><label for=\"token\">{token}</label>\
         <input class=\"input\" id=\"token\" type=\"password\" autocomplete=\"off\" placeholder=\"slw_…\">\
         <p class=\"help\">{token_help}</p></div>{operations}</main>\
         <script type=\"module\" nonce=\"{nonce}\">{SCRIPT}</script></body></html>",
        lang = locale.tag(),
        title = words.title,
        intro = words.intro,
        document = words.document,
        tokens = words.tokens,
        home = words.home,
        no_script = words.no_script,
        token = words.token,
        token_help = words.token_help,
        operations = operations(&document, words),
    );
    let policy = [(header::CONTENT_SECURITY_POLICY, page_policy(&nonce))];
    (policy, Html(html)).into_response()
}

/// A text of the document, ready for HTML.
fn text(value: &Value, name: &str) -> String {
    escape(value[name].as_str().unwrap_or_default())
}

/// Every operation, by its tag.
fn operations(document: &Value, words: &Words) -> String {
    let mut by_tag: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let operation = &item[method];
            if let Some(tag) = operation["tags"][0].as_str() {
                by_tag
                    .entry(tag)
                    .or_default()
                    .push_str(&one(document, method, path, operation, words));
            }
        }
    }
    let section = |(tag, operations): (&str, String)| {
        let tag = escape(tag);
        format!("<section class=\"stack\"><h2>{tag}</h2><div class=\"box list\">{operations}</div></section>")
    };
    by_tag.into_iter().map(section).collect()
}

fn one(document: &Value, method: &str, path: &str, operation: &Value, words: &Words) -> String {
    let id = text(operation, "operationId");
    let shown = method.to_uppercase();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let mut fields: String = parameters.map(|parameter| field(&id, parameter, words)).collect();
    let content = &operation["requestBody"]["content"]["application/json"];
    if content.is_object() {
        let example = sample(document, &content["schema"]);
        let example = serde_json::to_string_pretty(&example).unwrap_or_default();
        let _ = write!(
            fields,
            "<div class=\"field\"><label for=\"{id}-body\">{}</label>\
             <textarea class=\"input code\" id=\"{id}-body\" rows=\"6\" spellcheck=\"false\">{}</textarea></div>",
            words.body,
            escape(&example),
        );
    }
    let mut answers = String::new();
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let said = text(answer, "description");
        let _ = write!(answers, "<li><code>{}</code> {said}</li>", escape(status));
    }
    format!(
        "<details class=\"list-row\" id=\"{id}\"><summary class=\"row wrap\"><code class=\"strong\">{shown}</code> \
         <code class=\"break\">{path}</code> <span class=\"muted\">{summary}</span></summary>\
         <form class=\"form wide\" data-method=\"{shown}\" data-path=\"{path}\"><p>{description}</p>{fields}\
         <p><button class=\"btn primary\" hidden>{send}</button></p>\
         <output class=\"log short\" tabindex=\"0\" hidden><div><span class=\"t\"></span></div></output></form>\
         <h3>{answers_title}</h3><ul class=\"small\">{answers}</ul></details>",
        path = escape(path),
        summary = text(operation, "summary"),
        description = text(operation, "description"),
        send = words.send,
        answers_title = words.answers,
    )
}

/// A field of a parameter. The names of fields are those of the parameters.
fn field(operation: &str, parameter: &Value, words: &Words) -> String {
    let name = text(parameter, "name");
    let place = text(parameter, "in");
    let needed = parameter["required"] == true;
    let required = if needed { " required" } else { "" };
    let optional = if needed { "" } else { words.optional };
    format!(
        "<div class=\"field\"><label for=\"{operation}-{name}\"><code>{name}</code> \
         <span class=\"muted\">{optional}</span></label>\
         <input class=\"input\" id=\"{operation}-{name}\" name=\"{name}\" data-in=\"{place}\"{required}>\
         <p class=\"help\">{}</p></div>",
        text(parameter, "description"),
    )
}
