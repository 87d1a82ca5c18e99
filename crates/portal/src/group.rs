//! Groups of people, which can hold roles.

use crate::access::{self, At, Authorized, Org, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::environment;
use crate::error::{Error, Result};
use crate::member::{keep_an_owner, may_give};
use crate::ports::{GroupBinding, StoreError};
use crate::subscriber::event;
use crate::version;
use slipway_domain::access::{Action, ScopeKind};
use slipway_domain::group::{self, GroupList, GroupRef, GroupRole, GroupRow, GroupView};
use slipway_domain::id::{GroupId, UserId};
use slipway_domain::member::Holder;
use slipway_domain::org::OrgRef;
use slipway_domain::project::Place;
use slipway_domain::text::Text;

/// The groups of an organization.
///
/// # Errors
/// As [`access::org`].
pub async fn list(ctx: &OpCtx, org: &str) -> Result<GroupList> {
    let org = access::org::<may::See>(ctx, org).await?;
    Ok(GroupList {
        groups: ctx.read().await?.groups(&org).await?,
        may_manage: manages(ctx, &org).await?,
        org: org.org.clone(),
    })
}

async fn manages(ctx: &OpCtx, org: &Authorized<Org, may::See>) -> Result<bool> {
    Ok(ctx.rights().await?.at_org(org.id()).has(Action::OrgManage))
}

/// What the page of a group shows.
///
/// # Errors
/// As [`access::org`]; [`Error::NotFound`].
pub async fn view(ctx: &OpCtx, org: &str, id: GroupId) -> Result<GroupView> {
    let org = access::org::<may::See>(ctx, org).await?;
    let may_manage = manages(ctx, &org).await?;
    let mut tx = ctx.read().await?;
    let row = tx.group(&org, id).await?.ok_or(Error::NotFound)?;
    let people = tx.group_members(&org, id).await?;
    let claimed = tx.claimed_members(&org, id).await?;
    let mut others = Vec::new();
    if may_manage {
        others = tx.people_of_org(&org).await?;
        others.retain(|person| people.iter().all(|member| member.id != person.id));
    }
    let bindings = tx.group_bindings(org.id(), id).await?;
    drop(tx);
    let mut roles = Vec::new();
    for binding in bindings {
        if let Some(place) = place_of(ctx, &org, &binding).await? {
            roles.push(role_of(binding, &place));
        }
    }
    Ok(GroupView {
        org: org.org.clone(),
        group: row.group,
        claim: row.claim,
        people,
        claimed,
        roles,
        may_manage,
        others,
    })
}

/// The place of the binding, if the reader sees it.
async fn place_of(
    ctx: &OpCtx,
    org: &Authorized<Org, may::See>,
    binding: &GroupBinding,
) -> Result<Option<Place>> {
    let found = match (binding.project, binding.app) {
        (None, _) => Ok(org.place()),
        (Some(project), None) => access::project_by_id::<may::See>(ctx, project)
            .await
            .map(|p| p.place()),
        (Some(_), Some(app)) => access::app_by_id::<may::See>(ctx, app).await.map(|a| a.place()),
    };
    match found {
        Ok(place) => Ok(Some(place)),
        Err(Error::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

fn role_of(binding: GroupBinding, place: &Place) -> GroupRole {
    let (at, name) = match (&place.project, &place.app) {
        (_, Some(app)) => (ScopeKind::App, &app.name),
        (Some(project), None) => (ScopeKind::Project, &project.name),
        (None, None) => (ScopeKind::Org, &place.org.name),
    };
    GroupRole {
        binding: binding.id,
        role: binding.role,
        at,
        place: name.clone(),
        path: format!("{}/members", place.path()),
    }
}

fn named(text: &str) -> Result<String> {
    group::name(text).map_err(|wrong| Error::name("name", wrong))
}

fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Constraint(_) => {
            Error::field("name", Text::new("another group has this name", "已有同名用户组"))
        }
        other => other.into(),
    }
}

/// Makes a group.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name.
pub async fn create(ctx: &OpCtx, org: &str, name: &str) -> Result<GroupId> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let group = GroupRef {
        id: ctx.id(),
        name: named(name)?,
    };
    let mut change = ctx.change().await?;
    let at = ctx.now();
    change
        .tx()
        .insert_group(&org.modify(), &group, at)
        .await
        .map_err(taken)?;
    let summary = serde_json::json!({});
    told(&mut change, &org, "group.create", &group, summary).await?;
    change.commit().await?;
    Ok(group.id)
}

/// A group that is to be changed, with the organization locked.
struct Changing<'a> {
    org: Authorized<Org, may::OrgManage>,
    change: Change<'a>,
    row: GroupRow,
}

/// Begins a change of a group whose roles are all the actor's to give: who is put into it gets them.
async fn begin<'a>(ctx: &'a OpCtx, org: &str, id: GroupId) -> Result<Changing<'a>> {
    let here = access::managed(ctx, At::new(org, None, None)).await?;
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let mut change = ctx.change().await?;
    change.tx().lock_org(org.id()).await?;
    let row = change.tx().group(&org.see(), id).await?.ok_or(Error::NotFound)?;
    for role in change.tx().roles_of_group(org.id(), id).await? {
        may_give(ctx, &here, &role).await?;
    }
    Ok(Changing { org, change, row })
}

/// Changes the name of a group, and which group of a sign-in provider fills it; empty: none.
///
/// # Errors
/// As [`create`]; [`Error::Refused`] `more_than_you_hold`.
pub async fn update(ctx: &OpCtx, org: &str, id: GroupId, name: &str, claim: &str) -> Result<()> {
    let name = named(name)?;
    let claim = Some(claim.trim()).filter(|claim| !claim.is_empty());
    if claim.is_some_and(|claim| !group::is_claim(claim)) {
        let text = Text::new(
            "write the provider's key, a colon and its group, as keycloak:devs",
            "请填写提供方标识、冒号和用户组，例如 keycloak:devs",
        );
        return Err(Error::field("claim", text));
    }
    let Changing { org, mut change, row } = begin(ctx, org, id).await?;
    change.only_on(version::group(&row.group.name, row.claim.as_deref()))?;
    let group = GroupRef { id, name };
    change
        .tx()
        .update_group(&org.modify(), &group, claim)
        .await
        .map_err(taken)?;
    let summary = serde_json::json!({ "from": row.group.name, "claim": claim });
    told(&mut change, &org, "group.update", &group, summary).await?;
    change.commit().await
}

/// Tells the subscribers of the places where a group holds roles who got or lost them with it: `action` is
/// `member.grant` or `member.revoke`.
pub(crate) async fn tell_of_roles(
    change: &mut Change<'_>,
    org: &OrgRef,
    group: &GroupRef,
    who: Holder,
    action: &'static str,
) -> Result<()> {
    for binding in change.tx().group_bindings(org.id, group.id).await? {
        let place = match (binding.project, binding.app) {
            (None, _) => Some(Place {
                org: org.clone(),
                project: None,
                app: None,
            }),
            (Some(id), None) => change
                .tx()
                .find_project_by_id(id)
                .await?
                .map(|found| found.place()),
            (Some(_), Some(id)) => change.tx().find_app_by_id(id).await?.map(|found| found.place()),
        };
        if let Some(place) = place {
            let summary = serde_json::json!({ "role": binding.role.key() });
            event::member(change, &place, action, who, &summary).await?;
        }
    }
    Ok(())
}

/// Deletes a group and the roles it held.
///
/// # Errors
/// As [`update`]; [`Error::Refused`] `last_owner`.
pub async fn delete(ctx: &OpCtx, org: &str, id: GroupId) -> Result<()> {
    let Changing { org, mut change, row } = begin(ctx, org, id).await?;
    environment::not_in_rules(change.tx(), org.id(), &id.to_string(), &row.group.name).await?;
    tell_of_roles(
        &mut change,
        &org.org,
        &row.group,
        Holder::Group(id),
        "member.revoke",
    )
    .await?;
    change.tx().delete_group(&org.modify(), id).await?;
    keep_an_owner(&mut change, org.id()).await?;
    let summary = serde_json::json!({ "people": row.people, "roles": row.roles });
    told(&mut change, &org, "group.delete", &row.group, summary).await?;
    change.commit().await
}

/// Puts a person of the organization into a group.
///
/// # Errors
/// As [`update`]; a wrong `person`.
pub async fn add(ctx: &OpCtx, org: &str, id: GroupId, person: UserId) -> Result<()> {
    let Changing { org, mut change, row } = begin(ctx, org, id).await?;
    let people = change.tx().people_of_org(&org.see()).await?;
    let Some(person) = people.into_iter().find(|p| p.id == person) else {
        return Err(Error::field(
            "person",
            Text::new(
                "choose a person of this organization; invite others by a link",
                "请选择本组织的人员；其他人请通过邀请链接加入",
            ),
        ));
    };
    change
        .tx()
        .insert_group_member(&org.modify(), id, person.id)
        .await?;
    let who = Holder::Person(person.id);
    tell_of_roles(&mut change, &org.org, &row.group, who, "member.grant").await?;
    let summary = serde_json::json!({ "person": person.username });
    told(&mut change, &org, "group.add", &row.group, summary).await?;
    change.touch_person("person", person.id, org.id());
    change.commit().await
}

/// Takes somebody out of a group.
///
/// # Errors
/// As [`update`]; [`Error::NotFound`] for who is not in it; [`Error::Refused`] `last_owner`.
pub async fn take_out(ctx: &OpCtx, org: &str, id: GroupId, person: UserId) -> Result<()> {
    let Changing { org, mut change, row } = begin(ctx, org, id).await?;
    if !change.tx().delete_group_member(&org.modify(), id, person).await? {
        return Err(Error::NotFound);
    }
    keep_an_owner(&mut change, org.id()).await?;
    let who = Holder::Person(person);
    tell_of_roles(&mut change, &org.org, &row.group, who, "member.revoke").await?;
    let username = change.tx().person(person).await?.map(|p| p.username);
    let summary = serde_json::json!({ "person": username });
    told(&mut change, &org, "group.take_out", &row.group, summary).await?;
    change.touch_person("person", person, org.id());
    change.commit().await
}

async fn told(
    change: &mut Change<'_>,
    org: &Authorized<Org, may::OrgManage>,
    action: &'static str,
    group: &GroupRef,
    summary: serde_json::Value,
) -> Result<()> {
    let place = org.place();
    change
        .audit(Entry::done(
            action,
            "group",
            group.id,
            &*group.name,
            &place,
            summary,
        ))
        .await?;
    change.touch("groups", org.id(), &place);
    change.touch("members", org.id(), &place);
    Ok(())
}
