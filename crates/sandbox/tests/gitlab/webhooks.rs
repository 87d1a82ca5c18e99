//! Webhook deliveries.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use crate::server::{ORDER_API, Server, until};

#[derive(Clone, Default)]
struct Inbox {
    bodies: Arc<Mutex<Vec<Value>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Inbox {
    async fn listen(&self) -> String {
        async fn take(State(inbox): State<Inbox>, body: axum::Json<Value>) -> StatusCode {
            let mut refusals = inbox.refusals.lock().expect("a number");
            if *refusals > 0 {
                *refusals -= 1;
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            inbox.bodies.lock().expect("an inbox").push(body.0);
            StatusCode::OK
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("an address");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = axum::Router::new()
            .route("/hook", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn titles(&self) -> Vec<String> {
        let bodies = self.bodies.lock().expect("an inbox");
        bodies
            .iter()
            .map(|body| {
                body["object_attributes"]["title"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_retried_in_order_and_doubled_or_swapped_on_request() {
    let server = Server::start().await;
    let inbox = Inbox::default();
    let hook = json!({ "url": inbox.listen().await, "push_events": false, "issues_events": true });
    let hook = server.post(&format!("projects/{ORDER_API}/hooks"), hook).await;
    *inbox.refusals.lock().expect("a number") = 1;
    let issue =
        |title: &'static str| server.post("projects/acme%2Forder-api/issues", json!({ "title": title }));
    let arrived = |count: usize| {
        let inbox = inbox.clone();
        async move {
            until("webhooks", || async {
                (inbox.titles().len() == count).then_some(())
            })
            .await;
        }
    };
    issue("1").await;
    issue("2").await;
    arrived(2).await;
    assert_eq!(
        inbox.titles(),
        ["1", "2"],
        "the refused one is sent again before the next"
    );
    let fault = |fault: &'static str| {
        let rules = format!("{}/-/sandbox/faults", server.gitlab.url());
        server
            .http
            .post(rules)
            .json(&json!({ "fault": fault, "times": 1 }))
            .send()
    };
    fault("webhook-duplicate").await.expect("a rule");
    issue("3").await;
    arrived(4).await;
    fault("webhook-reorder").await.expect("a rule");
    issue("4").await;
    issue("5").await;
    arrived(6).await;
    assert_eq!(inbox.titles(), ["1", "2", "3", "3", "5", "4"]);
    let events = server
        .get(&format!("projects/{ORDER_API}/hooks/{}/events", hook["id"]))
        .await;
    assert_eq!(
        events.as_array().map(Vec::len),
        Some(7),
        "six arrivals and one refusal"
    );
    server.gitlab.shutdown().await;
}
