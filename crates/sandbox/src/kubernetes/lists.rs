//! Reading: one object, and lists with selectors, pages and resource versions.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use super::Cluster;
use super::error::{ApiError, ApiResult};
use super::http::{Call, answer, answer_object, shown};
use super::object;
use super::selector::{FieldSelector, LabelSelector};
use super::state::State;

/// Both selectors of a request.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
    /// The name in the URL of a single-object watch.
    name: Option<String>,
}

impl Selection {
    pub fn of(call: &Call) -> ApiResult<Self> {
        Ok(Self {
            labels: LabelSelector::parse(call.query("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(call.query("fieldSelector").unwrap_or_default())?,
            name: (!call.name.is_empty()).then(|| call.name.clone()),
        })
    }

    pub fn matches(&self, target: &Value) -> bool {
        self.name.as_deref().is_none_or(|n| n == object::name(target))
            && self.fields.matches(target)
            && self.labels.matches(target)
    }
}

pub fn get(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let found = {
        let registry = cluster.registry.lock();
        registry
            .state
            .get(call.resource, &call.namespace, &call.name)
            .cloned()
    };
    let found = found.ok_or_else(|| ApiError::not_found(call.resource, &call.name))?;
    Ok(answer_object(200, call, &found, &[]))
}

/// The revision that a read must not be older than; 504 when it lies in the future, as the server would wait in vain.
pub fn check_revision(state: &State, given: Option<&str>) -> ApiResult<Option<u64>> {
    let Some(given) = given.filter(|g| !g.is_empty()) else {
        return Ok(None);
    };
    let revision: u64 = given.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "resourceVersion: Invalid value: {given:?}: strconv.ParseUint: parsing {given:?}: invalid syntax"
        ))
    })?;
    if revision > state.revision() {
        let message = format!(
            "Too large resource version: {revision}, current: {}",
            state.revision()
        );
        let mut error = ApiError::new(504, "Timeout", format!("Timeout: {message}"));
        error.details = json!({ "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }], "retryAfterSeconds": 1 });
        return Err(error);
    }
    Ok(Some(revision))
}

struct Continue {
    revision: u64,
    after: (String, String),
}

fn decode_continue(token: &str) -> ApiResult<Continue> {
    let parsed = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, token)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .and_then(|value| {
            let text = |p: &str| object::text(&value, p).to_owned();
            Some(Continue {
                revision: value.get("rv")?.as_u64()?,
                after: (text("/namespace"), text("/name")),
            })
        });
    parsed.ok_or_else(|| ApiError::bad_request("continue key is not valid: it was not given by this server"))
}

fn encode_continue(revision: u64, last: &Value) -> String {
    let token = json!({ "v": "meta.k8s.io/v1", "rv": revision, "namespace": object::namespace(last), "name": object::name(last) });
    base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, token.to_string())
}

pub fn list(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let selection = Selection::of(call)?;
    let limit: usize = match call.query("limit") {
        Some(limit) => limit
            .parse()
            .map_err(|_| ApiError::bad_request(format!("limit: Invalid value: {limit:?}")))?,
        None => 0,
    };
    let page = match call.query("continue") {
        Some(token) => Some(decode_continue(token)?),
        None => None,
    };
    let (items, revision, more, remaining) = {
        let registry = cluster.registry.lock();
        let state = &registry.state;
        if page.is_none() {
            check_revision(state, call.query("resourceVersion"))?;
        }
        let revision = page.as_ref().map_or_else(|| state.revision(), |p| p.revision);
        if page.is_some() && state.changes_since(call.resource, revision).is_none() {
            return Err(ApiError::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
                 the continue parameter.",
            ));
        }
        let after = page.map(|p| p.after);
        let mut matching = state
            .list(call.resource, call.namespace())
            .filter(|o| {
                after
                    .as_ref()
                    .is_none_or(|(ns, n)| (object::namespace(o), object::name(o)) > (ns.as_str(), n.as_str()))
            })
            .filter(|o| selection.matches(o))
            .cloned();
        let take = if limit == 0 { usize::MAX } else { limit };
        let items: Vec<Arc<Value>> = matching.by_ref().take(take).collect();
        let remaining = if limit == 0 { 0 } else { matching.count() };
        let more = if remaining > 0 {
            items.last().map(|last| encode_continue(revision, last))
        } else {
            None
        };
        (items, revision, more, remaining)
    };
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    if let Some(token) = more {
        metadata["continue"] = token.into();
        if call.query("labelSelector").is_none() && call.query("fieldSelector").is_none() {
            metadata["remainingItemCount"] = remaining.into();
        }
    }
    let items: Vec<Value> = items.iter().map(|o| shown(call, o)).collect();
    let body = call.form.list(call.resource, items, &metadata);
    Ok(answer(200, &body))
}
