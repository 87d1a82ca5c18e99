//! What an API server remarks on beside its answer: `Warning` headers, of which each carries a sentence for people
//! (RFC 7234, code 299).

use std::cell::RefCell;

use http::HeaderMap;
use http::header::WARNING;

tokio::task_local! {
    static HEARD: RefCell<Vec<String>>;
}

/// Remarks of one call that are kept.
const KEPT: usize = 20;

/// Awaits a call and gives what was remarked on meanwhile with its result, each remark once.
pub async fn heard<T>(call: impl Future<Output = T>) -> (T, Vec<String>) {
    let listening = async {
        let result = call.await;
        (result, HEARD.with(RefCell::take))
    };
    HEARD.scope(RefCell::default(), listening).await
}

/// Takes note of an answer's remarks, where somebody listens.
pub fn note(headers: &HeaderMap) {
    for text in headers
        .get_all(WARNING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(text)
    {
        // Nobody may be listening.
        let _ = HEARD.try_with(|heard| {
            let mut heard = heard.borrow_mut();
            if heard.len() < KEPT && !heard.contains(&text) {
                heard.push(text);
            }
        });
    }
}

/// The text of a header like `299 - "spec.foo: deprecated since \\"v1\\""`.
fn text(value: &str) -> Option<String> {
    let rest = value.trim_start().strip_prefix("299 ")?;
    let (_, quoted) = rest.split_once('"')?;
    let mut text = String::new();
    let mut escaped = false;
    for c in quoted.chars() {
        match c {
            _ if escaped => {
                text.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => break,
            _ => text.push(c),
        }
    }
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_warning_is_read() {
        let plain = "299 - \"unknown field \\\"spec.foo\\\"\"";
        assert_eq!(text(plain).as_deref(), Some("unknown field \"spec.foo\""));
        let dated = "299 kube-apiserver \"old\" \"Wed, 21 Oct 2026 07:28:00 GMT\"";
        assert_eq!(text(dated).as_deref(), Some("old"));
        for none in ["", "110 - \"stale\"", "299 - ", "299 - \"\""] {
            assert_eq!(text(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn what_an_answer_carries_is_heard_through_the_client() {
        use k8s_openapi::api::core::v1::ConfigMap;
        use tower::Layer as _;
        use tower::util::AndThenLayer;
        let server = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            let body = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}";
            let body = http_body_util::Full::new(bytes::Bytes::from(body));
            let body = http_body_util::BodyExt::map_err(body, tower::BoxError::from);
            let answer = http::Response::builder().header(WARNING, "299 - \"v1 ConfigMap is old\"");
            let body: Box<kube::client::DynBody> = Box::new(body);
            Ok::<_, tower::BoxError>(answer.body(body).expect("an answer"))
        });
        let service = AndThenLayer::new(crate::failure::complete).layer(server);
        let api = kube::Api::<ConfigMap>::namespaced(kube::Client::new(service, "dev"), "dev");
        let (answer, told) = heard(api.get("a")).await;
        answer.expect("an object");
        assert_eq!(told, ["v1 ConfigMap is old"]);
    }

    #[tokio::test]
    async fn what_is_said_twice_is_told_once_and_only_to_who_listens() {
        let mut headers = HeaderMap::new();
        for value in ["299 - \"a\"", "299 - \"a\"", "299 - \"b\""] {
            headers.append(WARNING, value.parse().expect("a header"));
        }
        note(&headers);
        let (answer, told) = heard(async {
            note(&headers);
            7
        })
        .await;
        assert_eq!((answer, told), (7, vec![String::from("a"), String::from("b")]));
    }
}
