//! Loading what a page shows: one resource type for every page, kept fresh by [`crate::live`].
//!
//! On the server the use case is called directly. In the browser the same server function is read over
//! HTTP as text and parsed where it is shown, so that neither the resource nor the suspense machinery is
//! compiled once for every read model: that is what keeps the WASM small.

use crate::design::state::{ErrorState, Skeleton};
use crate::error::AppError;
use crate::json;
use crate::live::{self, Topics};
use leptos::prelude::*;
use leptos::server::codee::{Decoder, Encoder};
use serde::{Serialize, de::DeserializeOwned};
use server_fn::ServerFn;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer on its way to the page: JSON, and on the server the value itself.
#[derive(Clone, Debug)]
struct Answer {
    json: Arc<str>,
    #[cfg(feature = "ssr")]
    value: Option<Arc<dyn std::any::Any + Send + Sync>>,
}

type Answered = Result<Answer, AppError>;

/// `+json` of an answer or `-json` of an error, as it stands in the page for hydration.
struct AnswerCodec;

impl Encoder<Answered> for AnswerCodec {
    type Error = serde_json::Error;
    type Encoded = String;
    fn encode(answered: &Answered) -> Result<String, Self::Error> {
        Ok(match answered {
            Ok(answer) => format!("+{}", answer.json),
            Err(error) => format!("-{}", serde_json::to_string(error)?),
        })
    }
}

impl Decoder<Answered> for AnswerCodec {
    type Error = String;
    type Encoded = str;
    fn decode(text: &str) -> Result<Answered, Self::Error> {
        match text.strip_prefix('+') {
            Some(json) => Ok(Ok(Answer::from_json(json))),
            None => json::parse(text.get(1..).unwrap_or_default()).map(Err),
        }
    }
}

impl Answer {
    fn from_json(json: &str) -> Self {
        Self {
            json: Arc::from(json),
            #[cfg(feature = "ssr")]
            value: None,
        }
    }

    fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T, AppError> {
        #[cfg(feature = "ssr")]
        if let Some(value) = self.value.as_ref().and_then(|v| v.downcast_ref::<T>()) {
            return Ok(value.clone());
        }
        json::parse(&self.json).map_err(|error| AppError {
            code: String::from("answer.unreadable"),
            message: crate::tr!(common.stale_page),
            hint: format!("{} ({error})", crate::tr!(common.stale_page_hint)),
            ..AppError::default()
        })
    }
}

type Fetch = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Answered> + Send>> + Send + Sync>;

/// Something that is being read. Made by [`load`].
pub struct Load<T> {
    resource: Resource<Answered, AnswerCodec>,
    topics: fn(&T) -> Topics,
    freshness: live::Freshness,
    redraw: RwSignal<u32>,
}

impl<T> Clone for Load<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Load<T> {}

/// Reads through the server function `F`, again whenever the arguments that `call` makes change.
pub fn load<F>(call: impl Fn() -> F + Send + Sync + 'static) -> Load<F::Output>
where
    F: ServerFn<Error = AppError> + Serialize + 'static,
    F::Output: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    let call = Arc::new(call);
    #[cfg(feature = "ssr")]
    let fetch: Fetch = {
        let call = Arc::clone(&call);
        Arc::new(move |_url| {
            let arguments = untrack(|| call());
            Box::pin(async move {
                let value = arguments.run_body().await?;
                let json = serde_json::to_string(&value).unwrap_or_default();
                Ok(Answer {
                    json: Arc::from(json),
                    value: Some(Arc::new(value)),
                })
            })
        })
    };
    #[cfg(not(feature = "ssr"))]
    let fetch: Fetch = Arc::new(read_over_http);
    let url = move || url_of(F::PATH, &serde_json::to_value(call()).unwrap_or_default());
    let (resource, freshness) = resource(Arc::new(url), fetch);
    Load {
        resource,
        topics: |_| Topics::default(),
        freshness,
        redraw: RwSignal::new(0),
    }
}

#[cfg(not(feature = "ssr"))]
fn read_over_http(url: String) -> Pin<Box<dyn Future<Output = Answered> + Send>> {
    Box::pin(reactive_send(async move {
        crate::browser::get(&url)
            .await
            .map(|json| Answer::from_json(&json))
    }))
}

/// A browser has one thread; the resource asks for `Send` all the same.
#[cfg(not(feature = "ssr"))]
fn reactive_send<T>(future: impl Future<Output = T>) -> impl Future<Output = T> + Send {
    leptos::__reexports::send_wrapper::SendWrapper::new(future)
}

fn resource(
    url: Arc<dyn Fn() -> String + Send + Sync>,
    fetch: Fetch,
) -> (Resource<Answered, AnswerCodec>, live::Freshness) {
    let freshness = live::Freshness::new();
    let resource = Resource::new_with_options(
        move || (url(), freshness.track()),
        move |(url, _)| fetch(url),
        true,
    );
    (resource, freshness)
}

/// `path` with the arguments of a call as its query.
fn url_of(path: &str, arguments: &serde_json::Value) -> String {
    let mut url = String::from(path);
    let mut separator = '?';
    let mut add = |name: &str, value: &serde_json::Value| {
        let text = match value {
            serde_json::Value::Null => return,
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        url.push(separator);
        url.push_str(name);
        url.push('=');
        url.push_str(&crate::places::encode(&text));
        separator = '&';
    };
    for (name, value) in arguments.as_object().into_iter().flatten() {
        // A map is read as a form has it: `name[key]=value`; an empty one is not there.
        match value {
            serde_json::Value::Object(entries) => {
                for (key, value) in entries {
                    add(&format!("{name}%5B{}%5D", crate::places::encode(key)), value);
                }
            }
            value => add(name, value),
        }
    }
    url
}

impl<T: DeserializeOwned + Clone + 'static> Load<T> {
    /// Reads again when one of the topics that `topics` finds in the answer is said to have changed.
    #[must_use]
    pub fn watching(mut self, topics: fn(&T) -> Topics) -> Self {
        self.topics = topics;
        self
    }

    /// Shows the answer by `render`; meanwhile a skeleton, and on failure the error.
    pub fn view(self, render: impl Fn(T) -> AnyView + Send + Sync + 'static) -> AnyView {
        self.view_or(render, |error| view! { <ErrorState error/> }.into_any())
    }

    /// As [`view`](Self::view), with another look for failures.
    pub fn view_or(
        self,
        render: impl Fn(T) -> AnyView + Send + Sync + 'static,
        failed: fn(AppError) -> AnyView,
    ) -> AnyView {
        let Self {
            topics,
            freshness,
            redraw,
            ..
        } = self;
        show(
            self.resource,
            redraw,
            Arc::new(move |answered: &Answered| {
                let read = answered
                    .as_ref()
                    .map_err(Clone::clone)
                    .and_then(Answer::read::<T>);
                match read {
                    Ok(value) => {
                        freshness.watch(topics(&value));
                        render(value)
                    }
                    Err(error) => failed(error),
                }
            }),
        )
    }

    /// Shows the answer again, in the elements that are there, whenever this is notified: for pages that
    /// change what they show before the server has answered.
    pub fn redraw(self) -> RwSignal<u32> {
        self.redraw
    }

    /// Reads again now.
    pub fn refresh(self) {
        self.freshness.refresh();
    }
}

type Render = Arc<dyn Fn(&Answered) -> AnyView + Send + Sync>;

fn show(resource: Resource<Answered, AnswerCodec>, redraw: RwSignal<u32>, render: Render) -> AnyView {
    let body = move || {
        redraw.track();
        let render = Arc::clone(&render);
        Suspend::new(async move {
            let answered = resource.await;
            crate::design::focus::keep();
            render(&answered)
        })
    };
    view! { <Transition fallback=|| view! { <Skeleton/> }>{body}</Transition> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_a_query_and_nothing_is_left_out_of_it_unescaped() {
        let arguments = serde_json::json!({"org": "acme", "app": null, "q": "a b&c=d/发", "page": 2});
        assert_eq!(
            url_of("/api/fn/x", &arguments),
            "/api/fn/x?org=acme&page=2&q=a%20b%26c%3Dd%2F%E5%8F%91"
        );
        let maps = serde_json::json!({"inputs": {"a b": "x&y", "goal": "all"}, "none": {}, "to": "1"});
        assert_eq!(
            url_of("/api/fn/x", &maps),
            "/api/fn/x?inputs%5Ba%20b%5D=x%26y&inputs%5Bgoal%5D=all&to=1"
        );
    }

    #[test]
    fn an_answer_and_an_error_survive_the_way_through_the_page() {
        let answer: Answered = Ok(Answer::from_json(r#"{"a":1}"#));
        let text = AnswerCodec::encode(&answer).unwrap();
        assert_eq!(&*AnswerCodec::decode(&text).unwrap().unwrap().json, r#"{"a":1}"#);
        let error = AppError {
            code: String::from("x"),
            status: 409,
            ..AppError::default()
        };
        let text = AnswerCodec::encode(&Err(error.clone())).unwrap();
        assert_eq!(AnswerCodec::decode(&text).unwrap().unwrap_err(), error);
    }
}
