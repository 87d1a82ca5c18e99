//! Roles that an organization makes: named sets of actions at one kind of place.

use crate::access::{self, At, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::environment;
use crate::error::{Error, Result};
use crate::member::may_give;
use crate::ports::StoreError;
use slipway_domain::access::{Action, ActionSet, ScopeKind};
use slipway_domain::id::RoleId;
use slipway_domain::org::OrgRef;
use slipway_domain::role::{CustomRole, HeldRole};
use slipway_domain::text::Text;

/// A role as its form sends it.
#[derive(Clone, Debug)]
pub struct Input {
    /// What it is called.
    pub name: String,
    /// Where it is held.
    pub scope: ScopeKind,
    /// The keys of its actions.
    pub actions: Vec<String>,
}

/// The organization and its own roles, by name, and whether the reader may change them.
///
/// # Errors
/// As [`access::org`].
pub async fn list(ctx: &OpCtx, org: &str) -> Result<(OrgRef, Vec<CustomRole>, bool)> {
    let org = access::org::<may::See>(ctx, org).await?;
    let may_manage = ctx.rights().await?.at_org(org.id()).has(Action::OrgManage);
    let roles = ctx.read().await?.custom_roles(org.id()).await?;
    Ok((org.org.clone(), roles, may_manage))
}

/// One of the organization's own roles, with its version and how many hold it.
///
/// # Errors
/// As [`access::org`]; [`Error::NotFound`].
pub async fn view(ctx: &OpCtx, org: &str, id: RoleId) -> Result<(OrgRef, CustomRole, i64, i64)> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let record = ctx.read().await?.custom_role(&org.see(), id).await?;
    let record = record.ok_or(Error::NotFound)?;
    Ok((org.org.clone(), record.role, record.version, record.uses))
}

fn checked(id: RoleId, input: &Input) -> Result<CustomRole> {
    let actions: Option<Vec<_>> = input.actions.iter().map(|key| Action::from_key(key)).collect();
    let Some(actions) = actions else {
        return Err(Error::field(
            "actions",
            Text::new("choose from the list", "请从列表中选择"),
        ));
    };
    CustomRole::new(id, &input.name, input.scope, ActionSet::of(&actions))
        .map_err(|wrong| Error::field(wrong.field(), wrong.text()))
}

fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Constraint(_) => {
            Error::field("name", Text::new("another role has this name", "已有同名角色"))
        }
        other => other.into(),
    }
}

/// Makes a role.
///
/// # Errors
/// [`Error::Forbidden`], wrong fields, [`Error::Refused`] `more_than_you_hold`.
pub async fn create(ctx: &OpCtx, org: &str, input: &Input) -> Result<RoleId> {
    let here = access::managed(ctx, At::new(org, None, None)).await?;
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let role = checked(ctx.id(), input)?;
    may_give(ctx, &here, &HeldRole::Custom(role.clone())).await?;
    let mut change = ctx.change().await?;
    let at = ctx.now();
    change
        .tx()
        .insert_custom_role(&org.modify(), &role, at)
        .await
        .map_err(taken)?;
    told(&mut change, &org, "role.create", &role).await?;
    change.commit().await?;
    Ok(role.id)
}

/// Changes name and actions of a role that still has `version`. Where it is held stays.
///
/// # Errors
/// As [`create`]; [`Error::Conflict`] where somebody changed it meanwhile.
pub async fn update(ctx: &OpCtx, org: &str, id: RoleId, version: i64, input: &Input) -> Result<()> {
    let here = access::managed(ctx, At::new(org, None, None)).await?;
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let mut change = ctx.change().await?;
    let before = change.tx().custom_role(&org.see(), id).await?;
    let before = before.ok_or(Error::NotFound)?.role;
    let input = Input {
        scope: before.scope,
        ..input.clone()
    };
    let role = checked(id, &input)?;
    for role in [before, role.clone()] {
        may_give(ctx, &here, &HeldRole::Custom(role)).await?;
    }
    change
        .tx()
        .update_custom_role(&org.modify(), &role, version)
        .await
        .map_err(taken)?;
    told(&mut change, &org, "role.update", &role).await?;
    change.commit().await
}

/// Deletes a role that nobody holds.
///
/// # Errors
/// As [`create`]; [`Error::Refused`] `role_in_use`.
pub async fn delete(ctx: &OpCtx, org: &str, id: RoleId) -> Result<()> {
    let here = access::managed(ctx, At::new(org, None, None)).await?;
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let mut change = ctx.change().await?;
    // Nobody gives it meanwhile.
    change.tx().lock_org(org.id()).await?;
    let record = change.tx().custom_role(&org.see(), id).await?;
    let record = record.ok_or(Error::NotFound)?;
    may_give(ctx, &here, &HeldRole::Custom(record.role.clone())).await?;
    if record.uses > 0 {
        return Err(Error::refused(
            "role_in_use",
            format!(
                "“{}” is held or offered in {} place(s). Take it away there first.",
                record.role.name, record.uses
            ),
            format!(
                "“{}”仍有 {} 处在使用，请先在这些位置收回。",
                record.role.name, record.uses
            ),
        ));
    }
    environment::not_in_rules(change.tx(), org.id(), &id.to_string(), &record.role.name).await?;
    change.tx().delete_custom_role(&org.modify(), id).await?;
    told(&mut change, &org, "role.delete", &record.role).await?;
    change.commit().await
}

async fn told(
    change: &mut Change<'_>,
    org: &access::Authorized<access::Org, may::OrgManage>,
    action: &'static str,
    role: &CustomRole,
) -> Result<()> {
    let place = org.place();
    let actions: Vec<_> = role.actions.iter().map(Action::key).collect();
    let summary = serde_json::json!({ "scope": role.scope.key(), "actions": actions.join(", ") });
    change
        .audit(Entry::done(action, "role", role.id, &*role.name, &place, summary))
        .await?;
    change.touch("roles", org.id(), &place);
    Ok(())
}
