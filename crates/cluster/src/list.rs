//! Lists, page by page.

use std::fmt::Debug;

use k8s_openapi::serde::de::DeserializeOwned;
use kube::Api;
use kube::api::ListParams;
use slipway_portal::ports::ClusterError;

use crate::refusal::translate;

/// Objects a page.
const PAGE: u32 = 500;
/// How often a list is begun anew because the server forgot where it was.
const TRIES: u32 = 3;

/// All objects that match, as of one moment. A list takes so long at times that the server no longer knows the moment
/// that its `continue` token is of (410 Gone): then it is begun anew, the last time in one piece.
pub async fn all<K>(api: &Api<K>, params: &ListParams) -> Result<Vec<K>, ClusterError>
where
    K: Clone + DeserializeOwned + Debug,
{
    for _ in 1..TRIES {
        match paged(api, params).await {
            Err(kube::Error::Api(status)) if status.code == 410 => {}
            other => return other.map_err(|error| translate(&error)),
        }
    }
    let whole = api.list(params).await.map_err(|error| translate(&error))?;
    Ok(whole.items)
}

async fn paged<K>(api: &Api<K>, params: &ListParams) -> kube::Result<Vec<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut items = Vec::new();
    let mut params = params.clone().limit(PAGE);
    loop {
        let page = api.list(&params).await?;
        items.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(items),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::client::Body;
    use parking_lot::Mutex;
    use serde_json::{Value, json};
    use std::sync::Arc;

    /// A client of a server that gives these answers in their order, and the queries it was asked.
    fn server(answers: Vec<(u16, Value)>) -> (Api<ConfigMap>, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (queries, answers) = (Arc::clone(&asked), Arc::new(Mutex::new(answers.into_iter())));
        let service = tower::service_fn(move |request: Request<Body>| {
            queries
                .lock()
                .push(request.uri().query().unwrap_or_default().to_owned());
            let (code, body) = answers.lock().next().expect("an answer is left");
            let body = Body::from(body.to_string().into_bytes());
            let answer = Response::builder().status(code).body(body).expect("an answer");
            std::future::ready(Ok::<_, tower::BoxError>(answer))
        });
        (Api::namespaced(kube::Client::new(service, "dev"), "dev"), asked)
    }

    fn page(names: &[&str], token: &str) -> (u16, Value) {
        let items: Vec<Value> = names
            .iter()
            .map(|name| json!({ "metadata": { "name": name } }))
            .collect();
        let list = json!({ "apiVersion": "v1", "kind": "ConfigMapList", "metadata": { "resourceVersion": "7", "continue": token }, "items": items });
        (200, list)
    }

    fn expired() -> (u16, Value) {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410, "reason": "Expired",
            "message": "The provided continue parameter is too old to display a consistent list result.",
        });
        (410, status)
    }

    fn names(found: &[ConfigMap]) -> Vec<&str> {
        found
            .iter()
            .filter_map(|one| one.metadata.name.as_deref())
            .collect()
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_last_page() {
        let (api, asked) = server(vec![page(&["a", "b"], "next"), page(&["c"], "")]);
        let found = all(&api, &ListParams::default().labels("app=web"))
            .await
            .expect("a list");
        assert_eq!(names(&found), ["a", "b", "c"]);
        let asked = asked.lock();
        assert!(
            asked
                .iter()
                .all(|query| query.contains("limit=500") && query.contains("labelSelector=app%3Dweb"))
        );
        assert!(!asked[0].contains("continue=") && asked[1].contains("continue=next"));
    }

    #[tokio::test]
    async fn a_list_that_the_server_forgot_is_begun_anew_and_at_last_asked_for_in_one_piece() {
        let (api, asked) = server(vec![
            page(&["a"], "x"),
            expired(),
            page(&["a"], "y"),
            page(&["b"], ""),
        ]);
        assert_eq!(
            names(&all(&api, &ListParams::default()).await.expect("a list")),
            ["a", "b"]
        );
        assert_eq!(asked.lock().len(), 4);

        let (api, asked) = server(vec![
            page(&["a"], "x"),
            expired(),
            page(&["a"], "y"),
            expired(),
            page(&["a", "b"], ""),
        ]);
        assert_eq!(
            names(&all(&api, &ListParams::default()).await.expect("a list")),
            ["a", "b"]
        );
        assert!(!asked.lock()[4].contains("limit="));
    }
}
