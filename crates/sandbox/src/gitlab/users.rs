//! Users, tokens, and what the instance says about itself.

use serde_json::{Value, json};

use super::call::{Answer, Call, GUEST, MAINTAINER, Outcome, Refusal};
use super::state::{Token, User, now};
use super::{VERSION, page, random};

pub fn version(call: &Call) -> Outcome {
    call.user()?;
    Answer::ok(json!({ "version": VERSION, "revision": "5a4dbe3c5d1", "kas": kas(), "enterprise": false }))
}

pub fn metadata(call: &Call) -> Outcome {
    version(call)
}

fn kas() -> Value {
    json!({ "enabled": false, "externalUrl": null, "externalK8sProxyUrl": null, "version": null })
}

/// The user entity with what only the user and administrators see.
fn full(user: &User, base: &str) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": "active",
        "locked": false,
        "avatar_url": null,
        "web_url": format!("{base}/{}", user.username),
        "created_at": user.created_at,
        "bio": "",
        "location": "",
        "public_email": user.email,
        "linkedin": "",
        "twitter": "",
        "discord": "",
        "website_url": "",
        "organization": "",
        "job_title": "",
        "pronouns": null,
        "bot": false,
        "work_information": null,
        "local_time": null,
        "last_sign_in_at": null,
        "confirmed_at": user.created_at,
        "last_activity_on": &now()[..10],
        "email": user.email,
        "theme_id": 1,
        "color_scheme_id": 1,
        "projects_limit": 100_000,
        "current_sign_in_at": null,
        "identities": [],
        "can_create_group": true,
        "can_create_project": true,
        "two_factor_enabled": false,
        "external": false,
        "private_profile": false,
        "commit_email": user.email,
        "is_admin": user.is_admin,
        "namespace_id": user.namespace_id,
    })
}

pub fn current(call: &Call) -> Outcome {
    Answer::ok(full(call.user()?, &call.app.url))
}

pub fn list(call: &Call) -> Outcome {
    call.user()?;
    let username = call.opt_str("username");
    let search = call.opt_str("search").map(|text| text.to_lowercase());
    let users = call.with(|state| {
        state
            .users
            .values()
            .filter(|user| {
                username
                    .as_deref()
                    .is_none_or(|name| user.username.eq_ignore_ascii_case(name))
            })
            .filter(|user| {
                search.as_deref().is_none_or(|text| {
                    [&user.username, &user.name, &user.email]
                        .iter()
                        .any(|field| field.to_lowercase().contains(text))
                })
            })
            .rev()
            .map(|user| state.user_json(user.id, &call.app.url))
            .collect()
    });
    page::answer(call, users)
}

pub fn get(call: &Call) -> Outcome {
    let actor = call.user()?;
    let id = call.id("user_id")?;
    let user = call
        .with(|state| state.users.get(&id).cloned())
        .ok_or_else(|| Refusal::missing("User"))?;
    let mut value = full(&user, &call.app.url);
    if !actor.is_admin && actor.id != id {
        for key in [
            "email",
            "is_admin",
            "identities",
            "current_sign_in_at",
            "namespace_id",
            "commit_email",
        ] {
            value.as_object_mut().map(|map| map.remove(key));
        }
    }
    Answer::ok(value)
}

pub fn create(call: &Call) -> Outcome {
    call.admin()?;
    let (username, name, email) = (call.str("username")?, call.str("name")?, call.str("email")?);
    if call.with(|state| state.namespace_by_path(&username).is_some()) {
        return Err(Refusal::message(409, "Username has already been taken"));
    }
    let user = call.with(|state| state.add_user(&username, &name, &email, call.flag("admin")));
    Answer::created(full(&user, &call.app.url))
}

fn token_json(token: &Token, with_value: bool) -> Value {
    let mut value = json!({
        "id": token.id,
        "name": token.name,
        "description": null,
        "revoked": token.revoked,
        "created_at": token.created_at,
        "scopes": token.scopes,
        "user_id": token.user_id,
        "last_used_at": token.last_used_at,
        "active": !token.revoked,
        "expires_at": token.expires_at,
    });
    if with_value {
        value["token"] = token.value.clone().into();
    }
    value
}

pub fn tokens(call: &Call) -> Outcome {
    let actor = call.user()?;
    let wanted = call.opt_u64("user_id");
    let tokens = call.with(|state| {
        state
            .tokens
            .iter()
            .filter(|token| token.job_id.is_none() && token.application_id.is_none())
            .filter(|token| actor.is_admin || token.user_id == actor.id)
            .filter(|token| wanted.is_none_or(|id| id == token.user_id))
            .map(|token| token_json(token, false))
            .collect()
    });
    page::answer(call, tokens)
}

/// The token of the request, which must be none of OAuth.
fn personal(call: &Call) -> Result<u64, Refusal> {
    let actor = call.actor()?;
    if actor.oauth {
        return Err(Refusal::bad(
            "400 Bad request - This endpoint requires token type to be a personal access token",
        ));
    }
    Ok(actor.token_id)
}

pub fn own_token(call: &Call) -> Outcome {
    let id = personal(call)?;
    let token = call.with(|state| state.tokens.iter().find(|token| token.id == id).cloned());
    Answer::ok(token.map_or(Value::Null, |token| token_json(&token, false)))
}

pub fn revoke_own_token(call: &Call) -> Outcome {
    revoke(call, personal(call)?)
}

pub fn revoke_token(call: &Call) -> Outcome {
    let id = call.id("token_id")?;
    let actor = call.user()?;
    let owner = call.with(|state| {
        state
            .tokens
            .iter()
            .find(|token| token.id == id)
            .map(|token| token.user_id)
    });
    match owner {
        Some(owner) if actor.is_admin || owner == actor.id => revoke(call, id),
        _ => Err(Refusal::not_found("404 Not found")),
    }
}

fn revoke(call: &Call, id: u64) -> Outcome {
    call.with(|state| {
        if let Some(token) = state.tokens.iter_mut().find(|token| token.id == id) {
            token.revoked = true;
        }
    });
    Answer::no_content()
}

pub fn create_token_for(call: &Call) -> Outcome {
    call.admin()?;
    let user = call.id("user_id")?;
    if call.with(|state| !state.users.contains_key(&user)) {
        return Err(Refusal::missing("User"));
    }
    let scopes = call.list("scopes").unwrap_or_default();
    let name = call.str("name")?;
    let expires_at = call.opt_str("expires_at");
    let token = call.with(|state| {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let id = state
            .add_token(user, &name, format!("glpat-{}", random(20)), &scopes)
            .id;
        let token = state.tokens.iter_mut().find(|token| token.id == id)?;
        token.expires_at = expires_at;
        Some(token.clone())
    });
    Answer::created(token.map_or(Value::Null, |token| token_json(&token, true)))
}

pub fn project_tokens(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let tokens = call.with(|state| state.shelf(project.id).access_tokens.clone());
    page::answer(call, tokens)
}

/// A project access token belongs to a bot user who is a member of the project.
pub fn create_project_token(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let name = call.str("name")?;
    let scopes = call.list("scopes").unwrap_or_else(|| vec!["api".into()]);
    let level = call.opt_u64("access_level").unwrap_or(MAINTAINER).max(GUEST);
    let expires_at = call.opt_str("expires_at");
    let value = call.with(|state| {
        let username = format!("project_{}_bot_{}", project.id, random(12).to_lowercase());
        let bot = state.add_user(&username, &name, &format!("{username}@noreply.localhost"), false);
        if let Some(project) = state.projects.get_mut(&project.id) {
            project.members.insert(bot.id, level);
        }
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let mut token = state.add_token(bot.id, &name, format!("glpat-{}", random(20)), &scopes);
        token.expires_at = expires_at;
        let mut value = token_json(&token, false);
        value["access_level"] = level.into();
        value["resource_type"] = "project".into();
        value["resource_id"] = project.id.into();
        state.shelf(project.id).access_tokens.push(value.clone());
        value["token"] = token.value.into();
        value
    });
    Answer::created(value)
}
