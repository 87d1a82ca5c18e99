//! An `OpenID` Connect provider on loopback, by the specification and not by Slipway's reading of it; it can be told to
//! lie.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_domain::time::SECOND;
use slipway_portal::ports::Clock as _;
use slipway_server::http::exchange::Line;
use slipway_server::http::oidc::{Oidc, Setup};
use slipway_server::http::provider::Provider;
use slipway_testkit::MockClock;
use std::collections::HashMap;
use std::sync::Arc;

/// How the next ID token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Es256,
    Rs256,
    /// `alg: none`, without a signature.
    Nobody,
    /// HMAC with the public key for a secret: what a careless library takes.
    PublicKey,
    /// A key that is published nowhere.
    Stranger,
    /// By the right key, then one character of the payload changed.
    Altered,
}

/// What it does.
pub struct Inner {
    url: String,
    clock: MockClock,
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
    stranger: EcdsaKeyPair,
    pub signed: Signed,
    /// Laid over the claims of the next token; `null` takes one away.
    pub claims: Value,
    /// Code → the challenge and the nonce that were asked with.
    codes: HashMap<String, (String, String)>,
    pub promises_iss: bool,
    /// Laid over what it says of itself; `null` takes something away.
    pub document: Value,
    pub exchanged: usize,
    /// How the client secret came the last time: in the header, or in the body.
    pub secret_in: Option<&'static str>,
}

/// The provider.
#[derive(Clone)]
pub struct FakeProvider(pub Arc<Mutex<Inner>>);

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Slipway's side of a provider.
pub fn set_up(setup: Setup) -> Provider {
    let line = Line::anywhere().unwrap();
    Provider::Oidc(Box::new(Oidc::new(setup, crate::scene::URL, line).unwrap()))
}

impl FakeProvider {
    pub async fn start(clock: &MockClock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let provider = Self(Arc::new(Mutex::new(Inner {
            url,
            clock: clock.clone(),
            ec: key(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            stranger: key(),
            signed: Signed::Es256,
            claims: json!({}),
            codes: HashMap::new(),
            promises_iss: false,
            document: json!({}),
            exchanged: 0,
            secret_in: None,
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub fn url(&self) -> String {
        self.0.lock().url.clone()
    }

    /// Slipway's side of it, under `key`.
    pub fn known_as(&self, key: &str) -> Provider {
        set_up(Setup {
            key: key.to_owned(),
            name: key.to_uppercase(),
            issuer: self.url(),
            client_id: String::from("slipway"),
            client_secret: String::from("a secret"),
            scopes: vec![String::from("email")],
            groups_claim: Some(String::from("groups")),
            allowed_domains: Vec::new(),
        })
    }

    /// Somebody signs in there, at the address that Slipway sent them to; answers with the code.
    pub fn grant(&self, address: &str) -> String {
        let query: HashMap<String, String> = url::Url::parse(address)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], "slipway");
        assert_eq!(query["code_challenge_method"], "S256");
        assert!(query["scope"].contains("openid"));
        let code = encode(rand::random::<[u8; 16]>());
        let asked = (query["code_challenge"].clone(), query["nonce"].clone());
        self.0.lock().codes.insert(code.clone(), asked);
        code
    }

    pub fn set_claims(&self, claims: Value) {
        self.0.lock().claims = claims;
    }
}

async fn discovery(State(provider): State<FakeProvider>) -> Json<Value> {
    let inner = provider.0.lock();
    let at = |path: &str| format!("{}{path}", inner.url);
    let mut document = json!({
        "issuer": inner.url,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/keys"),
        "authorization_response_iss_parameter_supported": inner.promises_iss,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "code_challenge_methods_supported": ["S256"],
    });
    lay_over(&mut document, &inner.document);
    Json(document)
}

/// Lays the fields of `over` over those of `under`; `null` takes one away.
fn lay_over(under: &mut Value, over: &Value) {
    for (name, value) in over.as_object().unwrap() {
        if value.is_null() {
            under.as_object_mut().unwrap().remove(name);
        } else {
            under[name] = value.clone();
        }
    }
}

async fn keys(State(provider): State<FakeProvider>) -> Json<Value> {
    let inner = provider.0.lock();
    let point = inner.ec.public_key().as_ref().to_vec();
    let public = inner.rsa.public_key();
    Json(json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "other" },
        { "kty": "EC", "crv": "P-256", "use": "sig", "kid": "ec", "x": encode(&point[1..33]), "y": encode(&point[33..]) },
        { "kty": "RSA", "kid": "rsa", "n": encode(public.modulus().big_endian_without_leading_zero()),
          "e": encode(public.exponent().big_endian_without_leading_zero()) },
    ] }))
}

/// A code is used up by the first try, as RFC 6749 asks.
async fn token(
    State(provider): State<FakeProvider>,
    headers: HeaderMap,
    Form(sent): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let mut inner = provider.0.lock();
    inner.exchanged += 1;
    inner.secret_in = match (
        headers.contains_key("authorization"),
        sent.contains_key("client_secret"),
    ) {
        (true, false) => Some("header"),
        (false, true) => Some("body"),
        _ => None,
    };
    let refused = (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    let Some((challenge, nonce)) = inner.codes.remove(&sent["code"]) else {
        return refused;
    };
    if encode(Sha256::digest(&sent["code_verifier"])) != challenge {
        return refused;
    }
    let id_token = inner.id_token(&nonce);
    let answer = json!({ "access_token": "access", "token_type": "Bearer", "id_token": id_token });
    (StatusCode::OK, Json(answer))
}

impl Inner {
    fn id_token(&self, nonce: &str) -> String {
        let now = self.clock.now().micros() / SECOND;
        let mut claims = json!({
            "iss": self.url, "sub": "subject-1", "aud": "slipway", "exp": now + 300, "iat": now, "auth_time": now,
            "nonce": nonce, "name": "Sam Song", "preferred_username": "sam", "groups": [],
        });
        lay_over(&mut claims, &self.claims);
        let (alg, kid) = match self.signed {
            Signed::Rs256 => ("RS256", "rsa"),
            Signed::Nobody => ("none", "ec"),
            Signed::PublicKey => ("HS256", "ec"),
            Signed::Es256 | Signed::Stranger | Signed::Altered => ("ES256", "ec"),
        };
        let header = json!({ "alg": alg, "kid": kid });
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let rng = SystemRandom::new();
        let ec = |key: &EcdsaKeyPair| key.sign(&rng, signed.as_bytes()).unwrap().as_ref().to_vec();
        let signature = match self.signed {
            Signed::Rs256 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &rng, signed.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
            Signed::Nobody => Vec::new(),
            Signed::PublicKey => {
                let key =
                    aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, self.ec.public_key().as_ref());
                aws_lc_rs::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            Signed::Stranger => ec(&self.stranger),
            Signed::Es256 | Signed::Altered => ec(&self.ec),
        };
        if self.signed == Signed::Altered {
            claims["sub"] = json!("subject-2");
            let payload = encode(claims.to_string());
            return format!("{}.{payload}.{}", encode(header.to_string()), encode(signature));
        }
        format!("{signed}.{}", encode(signature))
    }
}
