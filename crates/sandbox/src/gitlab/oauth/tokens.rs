//! The token endpoint: codes and refresh tokens are redeemed once, access tokens end, and all are revoked together.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::call::{Actor, Answer, Call, Outcome, Refusal};
use super::super::server::{self, Sent};
use super::super::state::{Application, State, Token};
use super::super::{App, random};

/// How long access tokens live, in seconds.
const TOKEN_LIFE: i64 = 7200;

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

pub fn token(call: &Call) -> Outcome {
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
        .filter(|grant| grant.expires_unix > call.app.unix())
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

/// GitLab looks at the token before it looks at the client.
fn refresh(call: &Call) -> Outcome {
    let given = call.opt_str("refresh_token");
    let of = |token: &Token| token.refresh.is_some() && token.refresh == given && !token.revoked;
    let found = call.with(|state| state.tokens.iter().find(|token| of(token)).cloned());
    let found = found.ok_or_else(invalid_grant)?;
    let application = client(call)?;
    if found.application_id != Some(application.id) {
        return Err(invalid_grant());
    }
    // Of two that come at once one is too late.
    let old = call.with(|state| {
        let token = state.tokens.iter_mut().find(|token| of(token))?;
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
    let instant = call.app.unix();
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

/// The token of a request to these endpoints; nothing but OAuth tokens counts here.
fn bearer(call: &Call, refusal: impl Fn() -> Refusal) -> Result<Actor, Refusal> {
    let given = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let given = given.map(str::to_owned).or_else(|| call.opt_str("access_token"));
    let actor = given.and_then(|given| server::by_token(&call.app, &given, Sent::Bearer).ok());
    actor.filter(|actor| actor.oauth).ok_or_else(refusal)
}

pub fn userinfo(call: &Call) -> Outcome {
    let invalid = || oauth_error(401, "invalid_token", "The access token is invalid");
    let actor = bearer(call, invalid)?;
    if !actor.scopes.iter().any(|scope| scope == "openid") {
        return Err(oauth_error(
            403,
            "insufficient_scope",
            "The request requires the openid scope.",
        ));
    }
    Answer::ok(call.with(|state| claims(&call.app, state, actor.user.id, &actor.scopes)))
}

/// What a token may and for how long; `scopes` and `expires_in_seconds` are the older names of the same.
pub fn info(call: &Call) -> Outcome {
    let invalid = || {
        oauth_error(
            401,
            "invalid_request",
            "The request is missing a required parameter, includes an unsupported parameter value, or is otherwise \
             malformed.",
        )
    };
    let actor = bearer(call, invalid)?;
    let value = call.with(|state| {
        let token = state.tokens.iter().find(|token| token.id == actor.token_id)?;
        let of = |id| state.applications.iter().find(|a| Some(a.id) == id);
        let left = token.expires_unix.map(|at| at - call.app.unix());
        let created = token
            .created_at
            .parse::<jiff::Timestamp>()
            .map_or(0, jiff::Timestamp::as_second);
        Some(json!({
            "resource_owner_id": token.user_id,
            "scope": token.scopes,
            "scopes": token.scopes,
            "expires_in": left,
            "expires_in_seconds": left,
            "application": { "uid": of(token.application_id).map(|a| a.client_id.clone()) },
            "created_at": created,
        }))
    });
    value.map_or_else(|| Err(invalid()), Answer::ok)
}

/// Revokes an access token or a refresh token, and the other with it. Anything else is answered alike (RFC 7009).
pub fn revoke(call: &Call) -> Outcome {
    let application = client(call).map_err(|_| {
        oauth_error(
            403,
            "unauthorized_client",
            "You are not authorized to revoke this token",
        )
    })?;
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
