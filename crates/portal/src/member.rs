//! Members of organizations, projects and apps: who holds which role, who gives and takes it, and what it lets
//! them do.

use crate::access::{self, AnyScope, Anywhere, At, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::mail;
use crate::notice::tell as notice;
use crate::ports::{Binding, HeldBinding, NewBinding, Tx};
use crate::subscriber::event;
use crate::version;
use slipway_domain::access::{Role, ScopeKind};
use slipway_domain::id::{BindingId, OrgId, UserId};
use slipway_domain::invitation::RoleRequest;
use slipway_domain::member::{Holder, Member, MemberPage, Openness, PersonHere, explain};
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;
use slipway_domain::role::{CustomRole, Granter, HeldRole, custom_id};
use slipway_domain::text::Text;
use slipway_domain::token::Scope;
use std::collections::HashSet;

/// What the members' page of a place shows.
///
/// # Errors
/// As [`access::anywhere`].
pub async fn page(ctx: &OpCtx, at: At<'_>) -> Result<MemberPage> {
    let place = access::anywhere(ctx, at).await?;
    let managed = may_manage(ctx, &place).await?;
    let reader = ctx.user()?.id;
    let granter = ctx.rights().await?.granter(&place);
    let mut tx = ctx.read().await?;
    let custom_roles = tx.custom_roles(place.org_id()).await?;
    let offered = roles_of(place.kind(), &custom_roles);
    let members = tx.members_at(&place).await?;
    let (mut people, mut all_groups, mut invitations, mut mails) =
        (Vec::new(), Vec::new(), Vec::new(), false);
    if let Some(managed) = &managed {
        mails = mail::is_set_up(ctx, &mut *tx, managed.org_id()).await?;
        people = tx.people_of_org(&place.org_of()).await?;
        let groups = tx.groups(&place.org_of()).await?;
        all_groups = groups.into_iter().map(|row| row.group).collect();
        invitations = tx.open_invitations(managed, ctx.now()).await?;
    }
    let waiting = tx.role_requests(&place).await?;
    let requests = waiting.into_iter().map(|request| RoleRequest {
        id: request.id,
        may_decide: granter.may_give(&request.role),
        own: request.person.id == reader,
        person: request.person,
        role: request.role,
        reason: request.reason,
        created_at: request.created_at,
    });
    let asked: Vec<_> = requests.filter(|r| r.may_decide || r.own).collect();
    let held = granter.here;
    let askable = offered.iter().filter(|role| {
        !role.is(Role::OrgOwner)
            && !role.actions().is_within(held)
            && !granter.may_give(role)
            && !asked.iter().any(|r| r.own && r.role == **role)
    });
    Ok(MemberPage {
        place: place.place(),
        groups: tx.groups_at(&place).await?,
        may_manage: managed.is_some(),
        askable: askable.cloned().collect(),
        grantable: offered
            .into_iter()
            .filter(|role| granter.may_give(role))
            .collect(),
        members,
        custom_roles,
        people,
        all_groups,
        invitations,
        mails,
        requests: asked,
    })
}

/// The proof that the actor may manage the members of the place, if they may.
async fn may_manage(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, may::See>,
) -> Result<Option<Authorized<Anywhere, may::Modify>>> {
    let found = place.place();
    let at = At::new(
        &found.org.slug,
        found.project.as_ref().map(|p| p.slug.as_str()),
        found.app.as_ref().map(|a| a.slug.as_str()),
    );
    match access::managed(ctx, at).await {
        Ok(managed) => Ok(Some(managed)),
        // Refused: it is archived, and nothing in it changes.
        Err(Error::Forbidden(_) | Error::Scope(_) | Error::Refused { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Every role that is held at places of this kind: the built-in ones, then the organization's own.
pub(crate) fn roles_of(kind: ScopeKind, custom: &[CustomRole]) -> Vec<HeldRole> {
    let built_in = Role::ALL.iter().copied().map(HeldRole::BuiltIn);
    let own = custom.iter().cloned().map(HeldRole::Custom);
    built_in.chain(own).filter(|role| role.scope() == kind).collect()
}

/// What a person of the organization may do at the place, why, and what the reader can change about it.
///
/// # Errors
/// As [`access::anywhere`]; [`Error::NotFound`] for who is not of the organization.
pub async fn person(ctx: &OpCtx, at: At<'_>, username: &str) -> Result<PersonHere> {
    let place = access::anywhere(ctx, at).await?;
    let managed = may_manage(ctx, &place).await?;
    let granter = ctx.rights().await?.granter(&place);
    let mut tx = ctx.read().await?;
    let person = tx.person_of_org(&place.org_of(), username).await?;
    let person = person.ok_or(Error::NotFound)?;
    let own = person.id == ctx.user()?.id;
    let mut roles = tx.members_at(&place).await?;
    roles.retain(|member| member.person.id == person.id);
    let open = Openness {
        internal: place.internal,
        app_inside: place.kind() == ScopeKind::Project && tx.has_app_inside(&place, person.id).await?,
    };
    let custom_roles = tx.custom_roles(place.org_id()).await?;
    let mut grantable = roles_of(place.kind(), &custom_roles);
    grantable.retain(|role| managed.is_some() && granter.may_give(role));
    let removable: Vec<_> = roles
        .iter()
        .filter(|m| managed.is_some() && !m.inherited && m.via.is_none() && granter.may_give(&m.role))
        .map(|m| m.binding)
        .collect();
    Ok(PersonHere {
        place: place.place(),
        abilities: explain(place.kind(), &roles, open),
        may_remove: own || may_remove(managed.as_ref(), &granter, &mut *tx, person.id).await?,
        person,
        roles,
        grantable,
        removable,
        own,
    })
}

/// Whether everything that the person holds at the place and below is the granter's to take.
async fn may_remove(
    managed: Option<&Authorized<Anywhere, may::Modify>>,
    granter: &Granter,
    tx: &mut dyn Tx,
    user: UserId,
) -> Result<bool> {
    let Some(managed) = managed else {
        return Ok(false);
    };
    let held = losing(tx, managed, user).await?;
    Ok(!held.is_empty() && held.iter().all(|role| granter.may_give(role)))
}

/// Every role that the person loses by being removed from the place: their own there and below, and at an
/// organization those of its groups.
async fn losing(
    tx: &mut dyn Tx,
    place: &Authorized<Anywhere, may::Modify>,
    user: UserId,
) -> Result<Vec<HeldRole>> {
    let mut roles = tx.roles_within(place, user).await?;
    if place.kind() == ScopeKind::Org {
        for group in tx.groups_of(place.org_id(), user).await? {
            roles.extend(tx.roles_of_group(place.org_id(), group.id).await?);
        }
    }
    Ok(roles)
}

/// Gives a person or a group of the organization a role at the place.
///
/// # Errors
/// As [`access::managed`]; a wrong `who` or `role`; [`Error::Refused`] `more_than_you_hold`.
pub async fn grant(ctx: &OpCtx, at: At<'_>, who: &str, role: &str) -> Result<()> {
    let place = access::managed(ctx, at).await?;
    let mut change = ctx.change().await?;
    change.tx().lock_org(place.org_id()).await?;
    let role = role_at(change.tx(), &place, role).await?;
    let (holder, name) = holder_of(change.tx(), &place, who).await?;
    may_give(ctx, &place, &role).await?;
    give(&mut change, &place, holder, &name, role.clone()).await?;
    if let Holder::Person(user) = holder {
        notice::role_granted(&mut change, place.scope(), user, &role).await?;
    }
    change.commit().await
}

/// The role of that key, if it is held at places of this kind.
pub(crate) async fn role_at(
    tx: &mut dyn Tx,
    place: &Authorized<Anywhere, may::Modify>,
    key: &str,
) -> Result<HeldRole> {
    let found = match (Role::from_key(key), custom_id(key)) {
        (Some(role), _) => Some(HeldRole::BuiltIn(role)),
        (None, Some(id)) => {
            let mut own = tx.custom_roles(place.org_id()).await?;
            own.retain(|role| role.id == id);
            own.pop().map(HeldRole::Custom)
        }
        (None, None) => None,
    };
    let fits = found.filter(|role| role.scope() == place.kind());
    fits.ok_or_else(|| {
        Error::field(
            "role",
            Text::new(
                "choose a role that is held at this kind of place",
                "请选择适用于此处的角色",
            ),
        )
    })
}

/// Who is meant, and their name. Only people and groups of the organization: nobody learns by an id who else
/// there is.
async fn holder_of(
    tx: &mut dyn Tx,
    place: &Authorized<Anywhere, may::Modify>,
    who: &str,
) -> Result<(Holder, String)> {
    let org = place.see().org_of();
    let found = match Holder::from_key(who) {
        Some(Holder::Person(id)) => {
            let people = tx.people_of_org(&org).await?;
            people.into_iter().find(|p| p.id == id).map(|p| p.name)
        }
        Some(Holder::Group(id)) => tx.group(&org, id).await?.map(|row| row.group.name),
        None => None,
    };
    match (Holder::from_key(who), found) {
        (Some(holder), Some(name)) => Ok((holder, name)),
        _ => Err(Error::field(
            "who",
            Text::new(
                "choose a person or a group of this organization; invite others by a link",
                "请选择本组织的人员或用户组；其他人请通过邀请链接加入",
            ),
        )),
    }
}

/// Refuses a role that is more than the actor holds.
pub(crate) async fn may_give(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, may::Modify>,
    role: &HeldRole,
) -> Result<()> {
    if ctx.rights().await?.granter(place.scope()).may_give(role) {
        return Ok(());
    }
    let name = role.text();
    Err(Error::refused(
        "more_than_you_hold",
        format!(
            "You can give and take only what you hold yourself, and “{}” is more. Ask an owner of the organization.",
            name.en
        ),
        format!(
            "你只能授予或收回自己拥有的权限，“{}”超出了你的权限。请联系组织所有者。",
            name.zh
        ),
    ))
}

/// Gives the role. Somebody with a role in a place is a member of its organization.
pub(crate) async fn give(
    change: &mut Change<'_>,
    place: &Authorized<Anywhere, may::Modify>,
    holder: Holder,
    name: &str,
    role: HeldRole,
) -> Result<()> {
    let summary = serde_json::json!({ "role": role.key() });
    bind(change, place, holder, role).await?;
    if let (Holder::Person(_), Some(_)) = (holder, place.project_id()) {
        let binding = Binding {
            org: place.org_id(),
            project: None,
            app: None,
            role: Role::OrgMember.into(),
        };
        insert(change, binding, holder).await?;
    }
    told(change, place.scope(), "member.grant", holder, name, summary).await
}

pub(crate) async fn bind(
    change: &mut Change<'_>,
    place: &Authorized<Anywhere, may::Modify>,
    holder: Holder,
    role: HeldRole,
) -> Result<()> {
    let binding = Binding {
        org: place.org_id(),
        project: place.project_id(),
        app: place.app_id(),
        role,
    };
    insert(change, binding, holder).await
}

async fn insert(change: &mut Change<'_>, binding: Binding, holder: Holder) -> Result<()> {
    let (id, at) = (change.ctx().id(), change.ctx().now());
    let new = NewBinding {
        id,
        binding,
        holder,
        at,
    };
    Ok(change.tx().insert_binding(&new).await?)
}

/// Writes the audit row, and tells the pages and the subscribers.
async fn told(
    change: &mut Change<'_>,
    scope: &AnyScope,
    action: &'static str,
    holder: Holder,
    name: &str,
    summary: serde_json::Value,
) -> Result<()> {
    let place = scope.place();
    event::member(change, &place, action, holder, &summary).await?;
    let entry = match holder {
        Holder::Person(id) => Entry::done(action, "person", id, name, &place, summary),
        Holder::Group(id) => Entry::done(action, "group", id, name, &place, summary),
    };
    change.audit(entry).await?;
    touch(change, &place);
    if let Holder::Person(user) = holder {
        change.touch_person("person", user, place.org.id);
    }
    Ok(())
}

/// Tells the members' page of the place.
pub(crate) fn touch(change: &mut Change<'_>, place: &Place) {
    let id = match (&place.project, &place.app) {
        (_, Some(app)) => app.id.to_string(),
        (Some(project), None) => project.id.to_string(),
        (None, None) => place.org.id.to_string(),
    };
    change.touch("members", id, place);
}

/// Refuses what would leave the organization without an owner. The organization is locked, so that two at once
/// cannot each leave the other to it.
pub(crate) async fn keep_an_owner(change: &mut Change<'_>, org: OrgId) -> Result<()> {
    if change.tx().owners(org).await? > 0 {
        return Ok(());
    }
    Err(Error::refused(
        "last_owner",
        "This is the last owner of the organization. Make somebody else an owner first.",
        "这是组织的最后一位所有者。请先将其他人设为所有者。",
    ))
}

/// The role held right at the place under that id, with the proof that the actor may take it.
async fn held_here(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    place: &Authorized<Anywhere, may::Modify>,
    id: BindingId,
) -> Result<HeldBinding> {
    change.tx().lock_org(place.org_id()).await?;
    let held = change.tx().binding(place, id).await?.ok_or(Error::NotFound)?;
    may_give(ctx, place, &held.role).await?;
    Ok(held)
}

/// Puts another role in the place of one that is held right there.
///
/// # Errors
/// As [`access::managed`]; [`Error::NotFound`] for a role that is not held there; [`Error::Refused`]
/// `more_than_you_hold` for either role, `last_owner`.
pub async fn change_role(ctx: &OpCtx, at: At<'_>, id: BindingId, role: &str) -> Result<()> {
    let place = access::managed(ctx, at).await?;
    let mut change = ctx.change().await?;
    let held = held_here(ctx, &mut change, &place, id).await?;
    change.only_on(version::member(id, &held.role))?;
    let role = role_at(change.tx(), &place, role).await?;
    may_give(ctx, &place, &role).await?;
    if role == held.role {
        return Ok(());
    }
    let summary = serde_json::json!({ "from": held.role.key(), "to": role.key() });
    change.tx().delete_binding(&place, id).await?;
    bind(&mut change, &place, held.holder, role.clone()).await?;
    if let Holder::Person(user) = held.holder {
        notice::role_granted(&mut change, place.scope(), user, &role).await?;
    }
    keep_an_owner(&mut change, place.org_id()).await?;
    told(
        &mut change,
        place.scope(),
        "member.change",
        held.holder,
        &held.name,
        summary,
    )
    .await?;
    change.commit().await
}

/// Takes a role away that is held right at the place.
///
/// # Errors
/// As [`change_role`].
pub async fn revoke(ctx: &OpCtx, at: At<'_>, id: BindingId) -> Result<()> {
    let place = access::managed(ctx, at).await?;
    let mut change = ctx.change().await?;
    let held = held_here(ctx, &mut change, &place, id).await?;
    change.tx().delete_binding(&place, id).await?;
    keep_an_owner(&mut change, place.org_id()).await?;
    let summary = serde_json::json!({ "role": held.role.key() });
    told(
        &mut change,
        place.scope(),
        "member.revoke",
        held.holder,
        &held.name,
        summary,
    )
    .await?;
    change.commit().await
}

/// Removes somebody from the place: every role of theirs there and below, and at an organization they leave its
/// groups too. Whoever is meant themselves may always leave.
///
/// # Errors
/// As [`access::managed`], or for oneself as [`access::anywhere`]; [`Error::NotFound`] for who has nothing there;
/// [`Error::Refused`] `more_than_you_hold`, `last_owner`.
pub async fn remove(ctx: &OpCtx, at: At<'_>, user: UserId) -> Result<()> {
    let own = ctx.user()?.id == user;
    let place = if own {
        ctx.needs_scope(Scope::Manage)?;
        access::own_membership(&access::anywhere(ctx, at).await?)
    } else {
        access::managed(ctx, at).await?
    };
    let mut change = ctx.change().await?;
    change.tx().lock_org(place.org_id()).await?;
    let held = losing(change.tx(), &place, user).await?;
    let groups = groups_left(change.tx(), &place, user).await?;
    let person = change.tx().person(user).await?;
    let (Some(person), false) = (person, held.is_empty() && groups.is_empty()) else {
        return Err(Error::NotFound);
    };
    if !own {
        for role in &held {
            may_give(ctx, &place, role).await?;
        }
    }
    change.tx().delete_roles_within(&place, user).await?;
    let org = access::org_of_members(&place);
    for group in &groups {
        change.tx().delete_group_member(&org, group.id, user).await?;
    }
    keep_an_owner(&mut change, place.org_id()).await?;
    let roles: HashSet<_> = held.iter().map(HeldRole::key).collect();
    let summary = serde_json::json!({ "roles": roles.into_iter().collect::<Vec<_>>().join(", ") });
    told(
        &mut change,
        place.scope(),
        "member.remove",
        Holder::Person(user),
        &person.name,
        summary,
    )
    .await?;
    change.commit().await
}

/// The groups that somebody leaves who is removed from the place.
async fn groups_left(
    tx: &mut dyn Tx,
    place: &Authorized<Anywhere, may::Modify>,
    user: UserId,
) -> Result<Vec<slipway_domain::group::GroupRef>> {
    if place.kind() != ScopeKind::Org {
        return Ok(Vec::new());
    }
    Ok(tx.groups_of(place.org_id(), user).await?)
}

/// Who holds which role in the organization, or in one of its projects, inherited roles included.
///
/// # Errors
/// As [`access::org`].
pub async fn list(ctx: &OpCtx, org: &str, project: Option<&str>) -> Result<(Place, Vec<Member>)> {
    let place = access::anywhere(ctx, At::new(org, project, None)).await?;
    let members = ctx.read().await?.members_at(&place).await?;
    Ok((place.place(), members))
}

/// Switches an account off, or on again (`slipway user`).
///
/// # Errors
/// [`Error::Refused`] `last_owner`. Not for people: [`Error::NotFound`].
pub async fn set_active(ctx: &OpCtx, person: &PersonRef, active: bool) -> Result<()> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    switch(&mut change, person, active).await?;
    change.commit().await
}

/// Switches an account off, or on again. The server is locked.
pub(crate) async fn switch(change: &mut Change<'_>, person: &PersonRef, active: bool) -> Result<()> {
    let mut orgs = change.tx().orgs_of(person.id).await?;
    // Everybody locks in the same order.
    orgs.sort_unstable();
    for org in &orgs {
        change.tx().lock_org(*org).await?;
    }
    let at = (!active).then(|| change.ctx().now());
    change.tx().set_deactivated(person.id, at).await?;
    if !active {
        for org in orgs {
            keep_an_owner(change, org).await?;
        }
        change.tx().delete_sessions_of(person.id, None).await?;
    }
    let action = if active {
        "person.activate"
    } else {
        "person.deactivate"
    };
    change.touch_sessions();
    crate::person::told_by_operator(change, person.id, action).await
}
