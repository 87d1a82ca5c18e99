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
use super::state::{Application, Grant, State, Token, now};
use super::{App, page, random, server};

/// Access tokens live two hours, codes ten minutes.
const TOKEN_LIFE: i64 = 7200;
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
        ("POST", "/oauth/token") => token(call),
        ("POST", "/oauth/revoke") => revoke(call),
        ("GET" | "POST", "/oauth/userinfo") => userinfo(call),
        ("GET", "/oauth/token/info") => token_info(call),
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
    call.with(|state| state.applications.retain(|application| application.id != id));
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
    let fail = |error: &str| {
        let separator = if redirect_uri.contains('?') { '&' } else { '?' };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("error", error);
        if let Some(state) = &state {
            query.append_pair("state", state);
        }
        Ok(Err(format!("{redirect_uri}{separator}{}", query.finish())))
    };
    if call.opt_str("response_type").as_deref() != Some("code") {
        return fail("unsupported_response_type");
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
        return fail("invalid_scope");
    }
    let challenge = call.opt_str("code_challenge").filter(|text| !text.is_empty());
    let method = call.opt_str("code_challenge_method");
    if challenge.is_some() && method.as_deref() != Some("S256")
        || (challenge.is_none() && !application.confidential)
    {
        return fail("invalid_request");
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

/// The sign-in page: one button per user.
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
    body.push_str("</form>");
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
    let username = call.opt_str("username").unwrap_or_default();
    let Some(user) = call.with(|state| state.user_by_name(&username).cloned()) else {
        return Ok(page_error(
            422,
            "Sign in to the sandbox's GitLab",
            "There is no such user.",
        ));
    };
    let code = hex::encode(Sha256::digest(random(32)));
    let instant = jiff::Timestamp::now().as_second();
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

fn oauth_error(status: u16, error: &str, text: &str) -> Refusal {
    Refusal::new(status, json!({ "error": error, "error_description": text }))
}

fn invalid_grant() -> Refusal {
    oauth_error(
        400,
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in \
         the authorization request, or was issued to another client.",
    )
}

/// The client by HTTP Basic or by body parameters.
fn client(call: &Call) -> Result<Application, Refusal> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let basic = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| {
            let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            Some((decode(id), Some(decode(secret))))
        });
    let (id, secret) = basic.unwrap_or_else(|| {
        (
            call.opt_str("client_id").unwrap_or_default(),
            call.opt_str("client_secret"),
        )
    });
    let found = call.with(|state| state.applications.iter().find(|a| a.client_id == id).cloned());
    found.filter(|a| !a.confidential || secret.as_deref() == Some(&a.secret)).ok_or_else(|| {
        oauth_error(401, "invalid_client", "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.")
    })
}

fn token(call: &Call) -> Outcome {
    match call.opt_str("grant_type").as_deref() {
        Some("authorization_code") => redeem(call),
        Some("refresh_token") => refresh(call),
        Some(_) => Err(oauth_error(
            400,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        )),
        None => Err(oauth_error(
            400,
            "invalid_request",
            "Missing required parameter: grant_type.",
        )),
    }
}

fn redeem(call: &Call) -> Outcome {
    let application = client(call)?;
    let code = call.opt_str("code").unwrap_or_default();
    // A code is used up by the first attempt, successful or not.
    let grant = call.with(|state| {
        let index = state.grants.iter().position(|grant| grant.code == code)?;
        Some(state.grants.remove(index))
    });
    let grant = grant
        .filter(|grant| grant.client_id == application.client_id)
        .filter(|grant| grant.expires_unix > jiff::Timestamp::now().as_second())
        .filter(|grant| call.opt_str("redirect_uri").as_ref() == Some(&grant.redirect_uri))
        .ok_or_else(invalid_grant)?;
    if let Some(challenge) = &grant.challenge {
        let verifier = call.opt_str("code_verifier").unwrap_or_default();
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != *challenge {
            return Err(invalid_grant());
        }
    }
    issue(
        call,
        &application,
        grant.user_id,
        &grant.scopes,
        grant.nonce.as_deref(),
    )
}

fn refresh(call: &Call) -> Outcome {
    let application = client(call)?;
    let given = call.opt_str("refresh_token");
    let old = call.with(|state| {
        let of = |token: &Token| {
            token.refresh.is_some() && token.refresh == given && token.application_id == Some(application.id)
        };
        let token = state
            .tokens
            .iter_mut()
            .find(|token| of(token) && !token.revoked)?;
        token.revoked = true;
        Some(token.clone())
    });
    let old = old.ok_or_else(invalid_grant)?;
    issue(call, &application, old.user_id, &old.scopes, None)
}

fn issue(
    call: &Call,
    application: &Application,
    user_id: u64,
    scopes: &[String],
    nonce: Option<&str>,
) -> Outcome {
    let instant = jiff::Timestamp::now().as_second();
    let refresh = hex::encode(Sha256::digest(random(32)));
    let value = hex::encode(Sha256::digest(random(32)));
    let claims = call.with(|state| {
        let names: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let id = state
            .add_token(user_id, &application.name, value.clone(), &names)
            .id;
        if let Some(token) = state.tokens.iter_mut().find(|token| token.id == id) {
            token.refresh = Some(refresh.clone());
            token.expires_unix = Some(instant + TOKEN_LIFE);
            token.application_id = Some(application.id);
        }
        claims(&call.app, state, user_id, scopes)
    });
    let mut answer = json!({
        "access_token": value,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE,
        "refresh_token": refresh,
        "scope": scopes.join(" "),
        "created_at": instant,
    });
    if scopes.iter().any(|scope| scope == "openid") {
        let mut claims = claims;
        claims["iss"] = call.app.url.clone().into();
        claims["aud"] = application.client_id.clone().into();
        claims["exp"] = (instant + 120).into();
        claims["iat"] = instant.into();
        claims["auth_time"] = instant.into();
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        answer["id_token"] = call.app.signer.jwt(&claims)?.into();
    }
    Ok(Answer::json(200, &answer).with("cache-control", "no-store"))
}

fn claims(app: &App, state: &State, user_id: u64, scopes: &[String]) -> Value {
    let Some(user) = state.users.get(&user_id) else {
        return json!({});
    };
    let has = |scope: &str| scopes.iter().any(|own| own == scope);
    let mut value =
        json!({ "sub": user.id.to_string(), "sub_legacy": hex::encode(Sha256::digest(&user.username)) });
    if has("profile") || has("openid") {
        value["name"] = user.name.clone().into();
        value["nickname"] = user.username.clone().into();
        value["preferred_username"] = user.username.clone().into();
        value["profile"] = format!("{}/{}", app.url, user.username).into();
        value["picture"] = Value::Null;
        let groups = state
            .groups
            .keys()
            .filter(|id| state.group_membership(user, **id) > 0);
        value["groups"] = groups
            .map(|id| Value::String(state.namespace_path(*id)))
            .collect();
    }
    if has("email") || has("openid") {
        value["email"] = user.email.clone().into();
        value["email_verified"] = true.into();
    }
    value
}

fn bearer(call: &Call) -> Result<super::call::Actor, Refusal> {
    let given = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let given = given.map(str::to_owned).or_else(|| call.opt_str("access_token"));
    server::by_token(
        &call.app,
        &given.ok_or_else(|| oauth_error(401, "invalid_token", "The access token is invalid"))?,
    )
}

fn userinfo(call: &Call) -> Outcome {
    let actor = bearer(call)?;
    if !actor.scopes.iter().any(|scope| scope == "openid") {
        return Err(oauth_error(
            403,
            "insufficient_scope",
            "The request requires the openid scope.",
        ));
    }
    Answer::ok(call.with(|state| claims(&call.app, state, actor.user.id, &actor.scopes)))
}

fn token_info(call: &Call) -> Outcome {
    let actor = bearer(call)?;
    let value = call.with(|state| {
        let token = state.tokens.iter().find(|token| token.id == actor.token_id)?;
        let uid = token.application_id.and_then(|id| state.applications.iter().find(|a| a.id == id)).map(|a| a.client_id.clone());
        let left = token.expires_unix.map(|at| at - jiff::Timestamp::now().as_second());
        Some(json!({
            "resource_owner_id": token.user_id, "scope": token.scopes, "expires_in": left,
            "application": { "uid": uid }, "created_at": token.created_at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second),
        }))
    });
    Answer::ok(value.unwrap_or_else(|| json!({ "created_at": now() })))
}

fn revoke(call: &Call) -> Outcome {
    let application = client(call)?;
    let given = call.opt_str("token").unwrap_or_default();
    call.with(|state| {
        for token in &mut state.tokens {
            let named = token.value == given || token.refresh.as_deref() == Some(&given);
            if named && token.application_id == Some(application.id) {
                token.revoked = true;
            }
        }
    });
    Answer::ok(json!({}))
}
