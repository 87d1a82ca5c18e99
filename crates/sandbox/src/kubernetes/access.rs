//! Who may do what: an administrator, a reader, and the service accounts that were given tokens.

use std::collections::HashMap;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::ApiError;
use super::object;

/// In front of a path, this and a token stand for an `Authorization` header.
const TOKEN_PATH: &str = "/-/token/";

/// The prefix of URLs that carry their token: kubectl drops credentials for servers without TLS.
pub fn path_of_token(token: &str) -> String {
    format!("{TOKEN_PATH}{token}")
}

/// Moves a token from the front of the path to the header it stands for; a header that is there wins.
pub fn take_token_from_path(mut request: Request) -> Request {
    let given = request
        .uri()
        .path_and_query()
        .map(|p| p.as_str().to_owned())
        .unwrap_or_default();
    let Some(rest) = given.strip_prefix(TOKEN_PATH) else {
        return request;
    };
    let (token, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Ok(uri) = format!("/{path}").parse() {
        *request.uri_mut() = uri;
    }
    if let Ok(value) = format!("Bearer {token}").parse() {
        request
            .headers_mut()
            .entry(header::AUTHORIZATION)
            .or_insert(value);
    }
    request
}

/// The tokens that outlive a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    pub admin: String,
    pub reader: String,
}

/// Whoever asks.
#[derive(Debug, Clone)]
pub struct User {
    pub name: String,
    pub groups: Vec<String>,
    pub read_only: bool,
}

pub struct Access {
    tokens: Tokens,
    issued: Mutex<HashMap<String, (User, jiff::Timestamp)>>,
}

fn random_token() -> String {
    hex::encode(rand::random::<[u8; 24]>())
}

impl Access {
    pub fn new(tokens: Option<Tokens>) -> Self {
        let tokens = tokens.unwrap_or_else(|| Tokens {
            admin: random_token(),
            reader: random_token(),
        });
        Self {
            tokens,
            issued: Mutex::new(HashMap::new()),
        }
    }

    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub fn admin(&self) -> &str {
        &self.tokens.admin
    }

    pub fn reader(&self) -> &str {
        &self.tokens.reader
    }

    /// The user of the request's bearer token.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<User, ApiError> {
        let value = headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let token = value
            .strip_prefix("Bearer ")
            .or_else(|| value.strip_prefix("bearer "))
            .map(str::trim)
            .unwrap_or_default();
        let user = |name: &str, groups: &[&str], read_only| User {
            name: name.to_owned(),
            groups: groups
                .iter()
                .chain(&["system:authenticated"])
                .map(|g| (*g).to_owned())
                .collect(),
            read_only,
        };
        if token == self.tokens.admin {
            return Ok(user("kubernetes-admin", &["system:masters"], false));
        }
        if token == self.tokens.reader {
            return Ok(user("reader", &[], true));
        }
        let mut issued = self.issued.lock();
        let now = jiff::Timestamp::now();
        issued.retain(|_, (_, until)| *until > now);
        issued
            .get(token)
            .map(|(user, _)| user.clone())
            .ok_or_else(ApiError::unauthorized)
    }

    /// Answers a `TokenRequest` of a service account.
    pub fn issue(&self, namespace: &str, account: &str, request: &Value) -> Value {
        let seconds = object::int(request, "/spec/expirationSeconds")
            .unwrap_or(3600)
            .clamp(600, 1 << 32);
        let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        let encode = |value: &Value| {
            base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, value.to_string())
        };
        let name = format!("system:serviceaccount:{namespace}:{account}");
        let claims = json!({ "sub": name, "exp": until.as_second(), "iss": "https://kubernetes.default.svc.cluster.local" });
        let token = format!(
            "{}.{}.{}",
            encode(&json!({ "alg": "RS256", "kid": "sandbox" })),
            encode(&claims),
            random_token()
        );
        let groups = vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ];
        self.issued.lock().insert(
            token.clone(),
            (
                User {
                    name,
                    groups,
                    read_only: false,
                },
                until,
            ),
        );
        json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "metadata": { "name": account, "namespace": namespace, "creationTimestamp": object::now() },
            "spec": {
                "audiences": request.pointer("/spec/audiences").cloned().unwrap_or_else(|| json!(["https://kubernetes.default.svc.cluster.local"])),
                "expirationSeconds": seconds, "boundObjectRef": null,
            },
            "status": { "token": token, "expirationTimestamp": object::time(until) },
        })
    }
}

impl User {
    pub fn may(&self, verb: &str) -> bool {
        !self.read_only || matches!(verb, "get" | "list" | "watch")
    }

    /// Answers the reviews that a user may ask about itself.
    pub fn review(&self, kind: &str, request: &Value) -> Option<Value> {
        let verbs: &[&str] = if self.read_only {
            &["get", "list", "watch"]
        } else {
            &["*"]
        };
        let status = match kind {
            "selfsubjectaccessreviews" => {
                let verb = match object::text(request, "/spec/resourceAttributes/verb") {
                    "" => object::text(request, "/spec/nonResourceAttributes/verb"),
                    verb => verb,
                };
                json!({ "allowed": self.may(verb) })
            }
            "selfsubjectrulesreviews" => json!({
                "incomplete": false,
                "resourceRules": [{ "verbs": verbs, "apiGroups": ["*"], "resources": ["*"] }],
                "nonResourceRules": [{ "verbs": verbs, "nonResourceURLs": ["*"] }],
            }),
            "selfsubjectreviews" => json!({ "userInfo": { "username": self.name, "groups": self.groups } }),
            _ => return None,
        };
        let mut answer = request.clone();
        object::set(
            &mut answer,
            &["metadata", "creationTimestamp"],
            if kind == "selfsubjectreviews" {
                object::now().into()
            } else {
                Value::Null
            },
        );
        object::set(&mut answer, &["status"], status);
        Some(answer)
    }
}
