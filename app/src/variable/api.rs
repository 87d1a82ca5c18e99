//! Server functions about the variables of a repository.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::variable::VariableList;
#[cfg(feature = "ssr")]
use slipway_domain::variable::{VariableKind, Visibility};
#[cfg(feature = "ssr")]
use slipway_portal::variable::{self, Input};

/// The variables of an app's repository, without their values.
#[server(name = ReadVariables, prefix = "/api/fn", endpoint = "variable/list", input = GetUrl)]
pub async fn read_variables(org: String, project: String, app: String) -> Result<VariableList, AppError> {
    let ctx = crate::ctx()?;
    Ok(variable::list(&ctx, (&org, &project, &app)).await?)
}

/// Makes a variable, or changes the one that `which` names, as [`which`](super::which) does.
#[server(name = SaveVariable, prefix = "/api/fn", endpoint = "variable/save")]
pub async fn save_variable(
    org: String,
    project: String,
    app: String,
    #[server(default)] which: String,
    #[server(default)] key: String,
    #[server(default)] secret_value: String,
    scope: String,
    kind: String,
    visibility: String,
    #[server(default)] protected: bool,
    #[server(default)] raw: bool,
    #[server(default)] description: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = Input {
        key,
        value: secret_value,
        scope,
        kind: VariableKind::from_key(&kind),
        visibility: Visibility::from_key(&visibility).unwrap_or_default(),
        protected,
        raw,
        description,
    };
    let at = (org.as_str(), project.as_str(), app.as_str());
    match super::named(&which) {
        Some((key, scope)) => variable::update(&ctx, at, (key, &scope), &input).await?,
        None => variable::create(&ctx, at, &input).await?,
    }
    Ok(())
}

/// Removes a variable.
#[server(name = RemoveVariable, prefix = "/api/fn", endpoint = "variable/remove")]
pub async fn remove_variable(
    org: String,
    project: String,
    app: String,
    key: String,
    scope: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(variable::remove(&ctx, (&org, &project, &app), (&key, &scope)).await?)
}
