//! Variables of an app's repository: GitLab keeps them and gives them to jobs. Their values pass through here once, on
//! their way to GitLab, and are neither read back nor kept.

use crate::access::{self, App, Authorized, may};
use crate::change::Entry;
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::ports::{NewVariable, SnapshotKind};
use crate::schedule::At;
use crate::snapshot;
use slipway_domain::text::Text;
use slipway_domain::variable::{
    VariableKind, VariableList, VariableRow, Visibility, check_description, check_key, check_scope,
    check_value,
};

/// A variable to be made or changed. Never printed.
#[derive(Clone, Default)]
pub struct Input {
    /// Its name.
    pub key: String,
    /// Its value; nothing: of a changed one, the value it has.
    pub value: String,
    /// The environments that get it; nothing: all.
    pub scope: String,
    /// How a job gets it.
    pub kind: VariableKind,
    /// Who sees its value.
    pub visibility: Visibility,
    /// Whether only protected branches and tags get it.
    pub protected: bool,
    /// Whether `$` in it is left as it is.
    pub raw: bool,
    /// What it is for.
    pub description: String,
}

/// The variables of an app's repository, without their values.
///
/// # Errors
/// As [`access::app`]; no repository is connected. That GitLab does not answer stands in the list.
pub async fn list(ctx: &OpCtx, (org, project, app): At<'_>) -> Result<VariableList> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?.see();
    let mut list = VariableList {
        place: app.place(),
        variables: Vec::new(),
        scopes: Vec::new(),
        as_of: None,
        trouble: None,
    };
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(
            error @ (Error::Unavailable { .. }
            | Error::Refused {
                code: "gitlab_forbidden" | "out_of_bounds",
                ..
            }),
        ) => {
            let known = snapshot::last(ctx, &app, (SnapshotKind::Variables, ""), error.text()).await?;
            return Ok(with(list, known));
        }
        Err(error) => return Err(error),
    };
    let answer = match link.forge.variables(link.project()).await {
        Ok(mut variables) => {
            variables.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.scope.cmp(&b.scope)));
            Ok(variables)
        }
        Err(error) => Err(error),
    };
    if answer.is_ok() {
        // Only to be offered: without them a scope is typed.
        list.scopes = link.forge.environments(link.project()).await.unwrap_or_default();
    }
    let known = snapshot::known(ctx, &app, &link, (SnapshotKind::Variables, ""), answer).await?;
    Ok(with(list, known))
}

fn with(mut list: VariableList, known: snapshot::Known<Vec<VariableRow>>) -> VariableList {
    list.variables = known.value.unwrap_or_default();
    list.as_of = known.as_of;
    list.trouble = known.trouble;
    list
}

/// Everything that is wrong with an input, told at once and without its value.
fn checked(input: &Input, creating: bool) -> Result<NewVariable> {
    let (key, scope) = (input.key.trim(), input.scope.trim());
    let scope = if scope.is_empty() { "*" } else { scope };
    let value = (creating || !input.value.is_empty()).then(|| input.value.replace("\r\n", "\n"));
    let value_fits = match &value {
        Some(value) => check_value(value, input.visibility, input.raw),
        None => Ok(()),
    };
    let errors: Vec<FieldError> = [
        ("key", check_key(key)),
        ("secret_value", value_fits),
        ("scope", check_scope(scope)),
        ("description", check_description(&input.description)),
    ]
    .into_iter()
    .filter_map(|(field, checked)| {
        Some(FieldError {
            field: field.to_owned(),
            text: checked.err()?,
        })
    })
    .collect();
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    Ok(NewVariable {
        row: VariableRow {
            key: key.to_owned(),
            scope: scope.to_owned(),
            kind: input.kind,
            visibility: input.visibility,
            protected: input.protected,
            raw: input.raw,
            description: input.description.trim().to_owned(),
        },
        value,
    })
}

/// Makes a variable.
///
/// # Errors
/// As [`access::app`]; a field is wrong, or the name is taken for these environments; GitLab refuses or does not answer.
pub async fn create(ctx: &OpCtx, (org, project, app): At<'_>, input: &Input) -> Result<()> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let new = checked(input, true)?;
    let link = connection::link(ctx, &app).await?;
    if known(ctx, &link, &new.row.key, &new.row.scope).await?.is_some() {
        return Err(Error::field(
            "key",
            Text::new(
                "there is a variable of this name for these environments; change that one",
                "这些环境已有同名变量，请直接修改它",
            ),
        ));
    }
    let answer = link.forge.create_variable(link.project(), &new).await;
    link.asked(ctx, answer).await?;
    audit(ctx, &app, "variable.create", &new.row, new.value.is_some()).await
}

/// Changes the variable `key` of the environments `scope`; without a value, the one it has stays.
///
/// # Errors
/// As [`create`]; there is no such variable; it was hidden and shall not be, or the other way round.
pub async fn update(
    ctx: &OpCtx,
    (org, project, app): At<'_>,
    (key, scope): (&str, &str),
    input: &Input,
) -> Result<()> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let input = Input {
        key: key.to_owned(),
        ..input.clone()
    };
    let new = checked(&input, false)?;
    let link = connection::link(ctx, &app).await?;
    let before = known(ctx, &link, key, scope).await?.ok_or(Error::NotFound)?;
    if (before.visibility == Visibility::Hidden) != (new.row.visibility == Visibility::Hidden) {
        return Err(Error::field(
            "visibility",
            Text::new(
                "GitLab hides a variable when it is made, and for good. Remove this one and add it again",
                "GitLab 只能在创建时隐藏变量，且不可更改。请删除后重新添加",
            ),
        ));
    }
    let answer = link.forge.update_variable(link.project(), key, scope, &new).await;
    link.asked(ctx, answer).await?;
    audit(ctx, &app, "variable.edit", &new.row, new.value.is_some()).await
}

/// Removes the variable `key` of the environments `scope`.
///
/// # Errors
/// As [`access::app`]; there is no such variable; GitLab refuses or does not answer.
pub async fn remove(ctx: &OpCtx, (org, project, app): At<'_>, (key, scope): (&str, &str)) -> Result<()> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let link = connection::link(ctx, &app).await?;
    let row = known(ctx, &link, key, scope).await?.ok_or(Error::NotFound)?;
    let answer = link.forge.delete_variable(link.project(), key, scope).await;
    link.asked(ctx, answer).await?;
    audit(ctx, &app, "variable.remove", &row, false).await
}

async fn known(ctx: &OpCtx, link: &Link, key: &str, scope: &str) -> Result<Option<VariableRow>> {
    let answer = link.forge.variables(link.project()).await;
    let variables = link.asked(ctx, answer).await?;
    Ok(variables
        .into_iter()
        .find(|variable| variable.key == key && variable.scope == scope))
}

/// Who did what to which variable; of its value, whether it was another one.
async fn audit(
    ctx: &OpCtx,
    app: &Authorized<App, may::AppManage>,
    action: &'static str,
    row: &VariableRow,
    value: bool,
) -> Result<()> {
    let place = app.place();
    let summary = serde_json::json!({
        "scope": row.scope, "kind": row.kind.key(), "visibility": row.visibility.key(), "protected": row.protected,
        "raw": row.raw, "value_changed": value,
    });
    let mut change = ctx.change().await?;
    change
        .audit(Entry::done(
            action, "variable", &row.key, &row.key, &place, summary,
        ))
        .await?;
    change.touch("app", app.id(), &place);
    change.commit().await
}
