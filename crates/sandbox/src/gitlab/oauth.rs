//! OAuth 2 with PKCE and `OpenID` Connect, with a sign-in page that asks who one is.

use std::fmt::Write as _;

use anyhow::Context as _;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::call::{Answer, Call, Outcome, Refusal};
use super::state::{Application, Grant, State};
use super::{App, page, random};

mod tokens;

/// How long codes live, in seconds.
const CODE_LIFE: i64 = 600;
const SCOPES: [&str; 8] = [
    "api",
    "read_api",
    "read_user",
    "openid",
    "profile",
    "email",
    "read_repository",
    "write_repository",
];

/// Signs id tokens.
pub struct Signer {
    key: KeyPair,
    kid: String,
}

impl Signer {
    /// Takes the key that the state keeps, or makes one.
    pub fn open(state: &mut State) -> anyhow::Result<Self> {
        if state.oidc_key.is_empty() {
            let key = KeyPair::generate(KeySize::Rsa2048).context("no RSA key could be made")?;
            let der: Pkcs8V1Der<'_> = key.as_der().context("the RSA key cannot be written")?;
            state.oidc_key = STANDARD.encode(der.as_ref());
        }
        let der = STANDARD.decode(&state.oidc_key)?;
        let key = KeyPair::from_pkcs8(&der)
            .map_err(|error| anyhow::anyhow!("the kept RSA key is broken: {error}"))?;
        let kid = hex::encode(&Sha256::digest(key.public_key().as_ref())[..16]);
        Ok(Self { key, kid })
    }

    fn jwk(&self) -> Value {
        let public = self.key.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
        let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
        })
    }

    fn jwt(&self, claims: &Value) -> anyhow::Result<String> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .context("the id token cannot be signed")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

pub fn answer(call: &Call, path: &str) -> Outcome {
    match (call.method.as_str(), path) {
        ("GET", "/.well-known/openid-configuration") => Answer::ok(discovery(&call.app)),
        ("GET", "/oauth/discovery/keys") => Answer::ok(json!({ "keys": [call.app.signer.jwk()] })),
        ("GET", "/oauth/authorize") => ask(call),
        ("POST", "/oauth/authorize") => grant(call),
        ("POST", "/oauth/token") => tokens::token(call),
        ("POST", "/oauth/revoke") => tokens::revoke(call),
        ("GET" | "POST", "/oauth/userinfo") => tokens::userinfo(call),
        ("GET", "/oauth/token/info") => tokens::info(call),
        _ => Err(Refusal::new(404, json!({ "error": "404 Not Found" }))),
    }
}

fn discovery(app: &App) -> Value {
    let at = |path: &str| format!("{}{path}", app.url);
    json!({
        "issuer": app.url,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "revocation_endpoint": at("/oauth/revoke"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "jwks_uri": at("/oauth/discovery/keys"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claim_types_supported": ["normal"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "name", "nickname", "preferred_username", "email", "email_verified", "profile", "picture", "groups"],
        "code_challenge_methods_supported": ["plain", "S256"],
    })
}

fn application_json(application: &Application, with_secret: bool) -> Value {
    let mut value = json!({
        "id": application.id,
        "application_id": application.client_id,
        "application_name": application.name,
        "callback_url": application.redirect_uris.join("\n"),
        "confidential": application.confidential,
    });
    if with_secret {
        value["secret"] = application.secret.clone().into();
    }
    value
}

pub fn applications(call: &Call) -> Outcome {
    call.admin()?;
    page::answer(
        call,
        call.with(|state| {
            state
                .applications
                .iter()
                .map(|a| application_json(a, false))
                .collect()
        }),
    )
}

pub fn create_application(call: &Call) -> Outcome {
    call.admin()?;
    let (name, redirect) = (call.str("name")?, call.str("redirect_uri")?);
    let scopes = call.str("scopes")?;
    let application = call.with(|state| {
        let application = Application {
            id: state.next("application"),
            client_id: hex::encode(Sha256::digest(random(32))),
            secret: format!("gloas-{}", hex::encode(Sha256::digest(random(32)))),
            name,
            redirect_uris: redirect.split_whitespace().map(str::to_owned).collect(),
            scopes: scopes
                .split([' ', ','])
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
            confidential: call.opt_bool("confidential").unwrap_or(true),
        };
        state.applications.push(application.clone());
        application
    });
    Answer::created(application_json(&application, true))
}

pub fn delete_application(call: &Call) -> Outcome {
    call.admin()?;
    let id = call.id("application_id")?;
    call.with(|state| {
        state.applications.retain(|application| application.id != id);
        state.tokens.retain(|token| token.application_id != Some(id));
    });
    Answer::no_content()
}

/// A checked authorization request.
struct Asked {
    application: Application,
    redirect_uri: String,
    scopes: Vec<String>,
    state: Option<String>,
    challenge: Option<String>,
    nonce: Option<String>,
}

fn page_error(status: u16, title: &str, text: &str) -> Answer {
    let mut answer = Answer::bytes(
        "text/html; charset=utf-8",
        html(title, &format!("<p>{}</p>", escape(text))),
    );
    answer.status = status;
    answer
}

/// Checks the request; what is wrong with the client or its address is never redirected.
fn asked(call: &Call) -> Result<Result<Asked, String>, Answer> {
    let client_id = call.opt_str("client_id").unwrap_or_default();
    let application = call.with(|state| {
        state
            .applications
            .iter()
            .find(|a| a.client_id == client_id)
            .cloned()
    });
    let Some(application) = application else {
        return Err(page_error(
            401,
            "An error has occurred",
            "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
        ));
    };
    let redirect_uri = call.opt_str("redirect_uri").unwrap_or_default();
    if !application.redirect_uris.contains(&redirect_uri) {
        return Err(page_error(
            400,
            "An error has occurred",
            "The redirect URI included is not valid.",
        ));
    }
    let state = call.opt_str("state");
    let fail = |error: &str, text: &str| Ok(Err(refused(&redirect_uri, state.as_deref(), error, text)));
    if call.opt_str("response_type").as_deref() != Some("code") {
        return fail(
            "unsupported_response_type",
            "The authorization server does not support this response type.",
        );
    }
    let wanted = call.opt_str("scope").filter(|scope| !scope.is_empty());
    let scopes: Vec<String> = wanted.map_or_else(
        || application.scopes.clone(),
        |scope| {
            scope
                .split([' ', '+'])
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect()
        },
    );
    if scopes.iter().any(|scope| !application.scopes.contains(scope)) {
        return fail(
            "invalid_scope",
            "The requested scope is invalid, unknown, or malformed.",
        );
    }
    let challenge = call.opt_str("code_challenge").filter(|text| !text.is_empty());
    let method = call.opt_str("code_challenge_method");
    if challenge.is_some() && method.as_deref() != Some("S256")
        || (challenge.is_none() && !application.confidential)
    {
        return fail("invalid_request", "The code challenge method must be S256.");
    }
    Ok(Ok(Asked {
        application,
        redirect_uri,
        scopes,
        state,
        challenge,
        nonce: call.opt_str("nonce"),
    }))
}

/// Where a refusal sends the browser back to.
fn refused(redirect_uri: &str, state: Option<&str>, error: &str, text: &str) -> String {
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("error", error)
        .append_pair("error_description", text);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    format!("{redirect_uri}{separator}{}", query.finish())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn html(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>body{{font:16px/1.5 \
         system-ui,sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem}}button{{font:inherit;display:block;\
         width:100%;text-align:left;padding:.6rem .8rem;margin:.4rem 0;border:1px solid #888;border-radius:.4rem;\
         background:none;cursor:pointer;color:inherit}}small{{color:#666}}:root{{color-scheme:light dark}}</style>\
         </head><body><h1>{title}</h1>{body}</body></html>"
    )
}

fn redirect(to: String) -> Answer {
    let mut answer = Answer::bytes("text/html; charset=utf-8", "");
    answer.status = 302;
    answer.with("location", to)
}

/// The sign-in page: one button per user, and one for whoever does not want to.
fn ask(call: &Call) -> Outcome {
    let asked = match asked(call) {
        Ok(Ok(asked)) => asked,
        Ok(Err(location)) => return Ok(redirect(location)),
        Err(answer) => return Ok(answer),
    };
    let mut body = format!(
        "<p>{} asks who you are and wants: {}.</p><form method=\"post\" action=\"/oauth/authorize\">",
        escape(&asked.application.name),
        escape(&asked.scopes.join(", "))
    );
    for (key, value) in &call.query {
        if key != "username" {
            let _ = write!(
                body,
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escape(key),
                escape(value)
            );
        }
    }
    let users = call.with(|state| state.users.values().cloned().collect::<Vec<_>>());
    for user in users.iter().filter(|user| !user.username.contains("_bot_")) {
        let _ = write!(
            body,
            "<button name=\"username\" value=\"{0}\">{1} <small>@{0}</small></button>",
            escape(&user.username),
            escape(&user.name)
        );
    }
    body.push_str("<button name=\"deny\" value=\"true\">Deny</button></form>");
    Ok(Answer::bytes(
        "text/html; charset=utf-8",
        html("Sign in to the sandbox's GitLab", &body),
    )
    .with(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'",
    ))
}

fn grant(call: &Call) -> Outcome {
    let asked = match asked(call) {
        Ok(Ok(asked)) => asked,
        Ok(Err(location)) => return Ok(redirect(location)),
        Err(answer) => return Ok(answer),
    };
    if call.flag("deny") {
        return Ok(redirect(refused(
            &asked.redirect_uri,
            asked.state.as_deref(),
            "access_denied",
            "The resource owner or authorization server denied the request.",
        )));
    }
    let username = call.opt_str("username").unwrap_or_default();
    let Some(user) = call.with(|state| state.user_by_name(&username).cloned()) else {
        return Ok(page_error(
            422,
            "Sign in to the sandbox's GitLab",
            "There is no such user.",
        ));
    };
    let code = hex::encode(Sha256::digest(random(32)));
    let instant = call.app.unix();
    call.with(|state| {
        state.grants.retain(|grant| grant.expires_unix > instant);
        state.grants.push(Grant {
            code: code.clone(),
            client_id: asked.application.client_id.clone(),
            user_id: user.id,
            redirect_uri: asked.redirect_uri.clone(),
            scopes: asked.scopes.clone(),
            challenge: asked.challenge.clone(),
            nonce: asked.nonce.clone(),
            expires_unix: instant + CODE_LIFE,
        });
    });
    let separator = if asked.redirect_uri.contains('?') {
        '&'
    } else {
        '?'
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("code", &code);
    if let Some(state) = &asked.state {
        query.append_pair("state", state);
    }
    Ok(redirect(format!(
        "{}{separator}{}",
        asked.redirect_uri,
        query.finish()
    )))
}
