//! Endpoints that the `gitlab` crate does not have, or not as they are needed here.

use gitlab::api::endpoint_prelude::{BodyError, Endpoint, Method, Pageable, QueryParams};
use std::borrow::Cow;

/// One call: a path below `/api/v4/`, its query, and a JSON body.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<serde_json::Value>,
}

impl Call {
    /// Reads.
    pub fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            body: None,
        }
    }

    /// Makes.
    pub fn post(path: String, body: serde_json::Value) -> Self {
        Self {
            method: Method::POST,
            path,
            query: Vec::new(),
            body: Some(body),
        }
    }

    /// Changes.
    pub fn put(path: String, body: serde_json::Value) -> Self {
        Self {
            method: Method::PUT,
            path,
            query: Vec::new(),
            body: Some(body),
        }
    }

    /// Removes.
    pub fn delete(path: String) -> Self {
        Self {
            method: Method::DELETE,
            path,
            query: Vec::new(),
            body: None,
        }
    }

    /// Adds to the query.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

impl Endpoint for Call {
    fn method(&self) -> Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut params = QueryParams::default();
        for (name, value) in &self.query {
            params.push(*name, value.as_str());
        }
        params
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let Some(body) = &self.body else { return Ok(None) };
        Ok(Some(("application/json", serde_json::to_vec(body)?)))
    }
}

impl Pageable for Call {}
