//! The OpenAPI document: valid, whole, and a page to try it.

use crate::scene::Scene;
use serde_json::Value;
use slipway_server::http::route;
use std::collections::BTreeSet;

/// What is in the API but not in its description: the description itself.
const ABOUT: [&str; 2] = ["/api/v1/openapi.json", "/api/v1/docs"];

async fn document(scene: &Scene) -> Value {
    scene.get("/api/v1/openapi.json", None).await.json()
}

/// `GET /path` and the operation, of everything in the document.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    all.collect()
}

/// Every `$ref` in the value.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                into.insert(target.to_owned());
            }
            fields.values().for_each(|field| references(field, into));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| references(entry, into)),
        _ => {}
    }
}

#[tokio::test]
async fn every_route_of_the_api_is_described_and_nothing_else() {
    let scene = Scene::new().await;
    let document = document(&scene).await;
    let described: BTreeSet<String> = operations(&document).into_iter().map(|(name, _)| name).collect();
    let routes: BTreeSet<String> = route::all()
        .filter(|route| route.path.starts_with("/api/v1/") && !ABOUT.contains(&route.path))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(described, routes);
}

#[tokio::test]
async fn the_document_is_valid() {
    let scene = Scene::new().await;
    let document = document(&scene).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    assert!(document["components"]["securitySchemes"]["token"].is_object());
    let mut targets = BTreeSet::new();
    references(&document, &mut targets);
    for target in &targets {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} stands for two operations");
        assert!(operation["summary"].is_string(), "{name} says what it does");
        let none = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&none);
        let mut seen = BTreeSet::new();
        for parameter in parameters {
            let (place, called) = (
                parameter["in"].as_str().unwrap(),
                parameter["name"].as_str().unwrap(),
            );
            assert!(
                seen.insert((place, called)),
                "{name}: {called} stands there twice"
            );
            assert!(parameter["schema"].is_object(), "{name}: {called} has no schema");
            assert!(
                place != "path" || parameter["required"] == true,
                "{name}: {called}"
            );
        }
        let in_path: BTreeSet<_> = seen
            .iter()
            .filter(|(place, _)| *place == "path")
            .map(|(_, called)| *called)
            .collect();
        let wanted: BTreeSet<_> = name
            .split('{')
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap())
            .collect();
        assert_eq!(in_path, wanted, "{name}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
        for (status, response) in responses {
            assert!(
                response["description"].is_string(),
                "{name}: {status} says nothing"
            );
            if status.starts_with(['4', '5']) {
                assert!(
                    response["content"]["application/problem+json"]["schema"].is_object(),
                    "{name}: {status} is no problem document"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_runs_only_its_own_script() {
    let scene = Scene::new().await;
    let page = scene.page("/api/v1/docs", None).await;
    assert_eq!(page.status, 200);
    let document = document(&scene).await;
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.body.contains(&format!("id=\"{id}\"")), "{name} is missing");
    }
    let policy = page.header("content-security-policy");
    assert!(!policy.contains("'unsafe-"), "{policy}");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    for script in page.body.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "<script{tag}>");
    }
    assert!(
        !page.body.contains("//cdn") && !page.body.contains("https://"),
        "served by us alone"
    );
    assert!(!page.body.contains(" onclick="), "no script in an attribute");
}

#[tokio::test]
async fn the_page_speaks_the_readers_language() {
    let scene = Scene::new().await;
    let page = scene.page("/api/v1/docs", Some("slipway_locale=zh-CN")).await;
    assert!(page.body.contains("lang=\"zh-CN\"") && page.body.contains("请求正文"));
}
