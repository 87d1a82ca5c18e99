//! One API call: the request as handlers see it, and the answer or the refusal they return.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::App;
use super::git::Repository;
use super::state::{Project, State, User};

/// Access levels as GitLab numbers them.
pub const GUEST: u64 = 10;
pub const REPORTER: u64 = 20;
pub const DEVELOPER: u64 = 30;
pub const MAINTAINER: u64 = 40;
pub const OWNER: u64 = 50;

/// Who calls, and what the token may do.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user: User,
    pub token_id: u64,
    pub scopes: Vec<String>,
    /// Whether the token is of an OAuth application.
    pub oauth: bool,
    /// The job whose `CI_JOB_TOKEN` this is.
    pub job_id: Option<u64>,
}

/// A request to one API route, with its path parameters percent-decoded.
pub struct Call {
    pub app: Arc<App>,
    pub actor: Option<Actor>,
    pub method: Method,
    /// Path with query, as sent.
    pub target: String,
    pub headers: HeaderMap,
    pub params: BTreeMap<&'static str, String>,
    pub query: Vec<(String, String)>,
    /// JSON or form body as an object; empty when there is none.
    pub body: Map<String, Value>,
    pub raw: Bytes,
}

pub type Outcome = Result<Answer, Refusal>;

impl Call {
    pub fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    pub fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name)
            .parse()
            .map_err(|_| Refusal::not_found("404 Not found"))
    }

    /// A parameter from the body or, failing that, from the query.
    pub fn value(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.body.get(name) {
            return Some(value.clone());
        }
        self.query
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| Value::String(value.clone()))
    }

    pub fn opt_str(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    pub fn str(&self, name: &str) -> Result<String, Refusal> {
        self.opt_str(name)
            .ok_or_else(|| Refusal::new(400, json!({ "error": format!("{name} is missing") })))
    }

    pub fn opt_bool(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(value) => Some(value),
            Value::Number(number) => Some(number.as_i64() != Some(0)),
            Value::String(text) => match text.to_lowercase().as_str() {
                "true" | "1" | "yes" | "t" | "on" => Some(true),
                "false" | "0" | "no" | "f" | "off" | "" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        self.opt_bool(name).unwrap_or(false)
    }

    pub fn opt_u64(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A list given as a JSON array, as `name[]=…` or as comma-separated text.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let bracketed = format!("{name}[]");
        let repeated: Vec<String> = self
            .query
            .iter()
            .filter(|(key, _)| *key == bracketed)
            .map(|(_, value)| value.clone())
            .collect();
        if !repeated.is_empty() {
            return Some(repeated);
        }
        match self.value(name)? {
            Value::Array(items) => Some(items.iter().map(plain).collect()),
            Value::String(text) => Some(
                text.split(',')
                    .map(|item| item.trim().to_owned())
                    .filter(|item| !item.is_empty())
                    .collect(),
            ),
            Value::Null => None,
            other => Some(vec![other.to_string()]),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn actor(&self) -> Result<&Actor, Refusal> {
        self.actor.as_ref().ok_or_else(Refusal::unauthorized)
    }

    pub fn user(&self) -> Result<&User, Refusal> {
        self.actor().map(|actor| &actor.user)
    }

    pub fn admin(&self) -> Result<&User, Refusal> {
        let user = self.user()?;
        if user.is_admin {
            Ok(user)
        } else {
            Err(Refusal::forbidden())
        }
    }

    /// The project of the path parameter `id` (a number or a full path), when the caller sees it.
    pub fn project(&self, least: u64) -> Result<Project, Refusal> {
        let state = self.app.state.lock();
        let wanted = self.param("id");
        let project = match wanted.parse::<u64>() {
            Ok(id) => state.projects.get(&id),
            Err(_) => state.project_by_path(wanted),
        };
        let level = |project: &Project| state.project_access(self.actor.as_ref().map(|a| &a.user), project);
        let project = project
            .filter(|project| level(project) >= GUEST || project.visibility != "private")
            .ok_or_else(|| Refusal::not_found("404 Project Not Found"))?;
        if least > GUEST && level(project) < least && !(least <= REPORTER && project.visibility != "private")
        {
            return Err(if self.actor.is_none() {
                Refusal::unauthorized()
            } else {
                Refusal::forbidden()
            });
        }
        Ok(project.clone())
    }

    pub fn repository(&self, least: u64) -> Result<(Project, Repository), Refusal> {
        let project = self.project(least)?;
        let repository = self.app.repository(project.id);
        Ok((project, repository))
    }

    /// Runs `change` on the locked state.
    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.app.state.lock())
    }
}

/// A scalar as text.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".into())],
            body: value.to_string().into(),
        }
    }

    pub fn ok(value: Value) -> Outcome {
        Ok(Self::json(200, &value))
    }

    pub fn created(value: Value) -> Outcome {
        Ok(Self::json(201, &value))
    }

    pub fn no_content() -> Outcome {
        Ok(Self {
            status: 204,
            headers: Vec::new(),
            body: Bytes::new(),
        })
    }

    pub fn bytes(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", content_type.into())],
            body: body.into(),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-cache"));
        response
    }
}

/// An answer with an error status and GitLab's JSON body.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub body: Value,
}

impl Refusal {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body }
    }

    pub fn message(status: u16, text: impl Into<String>) -> Self {
        Self::new(status, json!({ "message": text.into() }))
    }

    pub fn not_found(text: &str) -> Self {
        Self::message(404, text)
    }

    pub fn missing(what: &str) -> Self {
        Self::message(404, format!("404 {what} Not Found"))
    }

    pub fn unauthorized() -> Self {
        Self::message(401, "401 Unauthorized")
    }

    pub fn forbidden() -> Self {
        Self::message(403, "403 Forbidden")
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self::message(400, text)
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::json(refusal.status, &refusal.body)
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        tracing::warn!(%error, "sandbox request failed");
        Self::message(500, format!("500 Internal Server Error: {error:#}"))
    }
}
