//! Identities elsewhere: signing in with them, linking and unlinking, and the groups that claims fill.
//!
//! An account is found by the verified `(issuer, subject)` and by nothing else: an e-mail address, verified or not, is
//! never enough.

use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::group::tell_of_roles;
use crate::member::keep_an_owner;
use crate::ports::{ClaimedGroup, IdentityRow, NewPerson, StoreError};
use crate::{person, provider, session};
use sha2::{Digest as _, Sha256};
use slipway_domain::audit::Outcome;
use slipway_domain::identity::{IdentityView, Move, moved, username};
use slipway_domain::member::Holder;
use slipway_domain::person::{Person, PersonRef};
use slipway_domain::project::Place;
use slipway_domain::time::HOUR;

/// How long the state of an answer is remembered, in µs: longer than anybody may stay away.
const STATES: i64 = HOUR;

/// Who a provider says somebody is. Only what it verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Who says so: a URL.
    pub issuer: String,
    /// Who, to them.
    pub subject: String,
    /// The provider's name.
    pub provider: String,
    /// What they are called there.
    pub username: String,
    /// Their name.
    pub name: String,
    /// Their address, if the provider verified it.
    pub email: Option<String>,
    /// The groups they are in; `None`: the provider fills none here.
    pub groups: Option<Groups>,
}

/// The groups that a provider lists for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// What the names of all groups of this provider begin with, as `keycloak:`.
    pub prefix: String,
    /// Those the person is in, with the prefix.
    pub names: Vec<String>,
}

/// The ways in that there are now: see [`provider::ways`].
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// Whether local accounts sign in by password.
    pub local: bool,
    /// The issuers of the providers.
    pub issuers: Vec<String>,
}

impl Outside {
    fn row(&self, ctx: &OpCtx) -> IdentityRow {
        IdentityRow {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            provider: self.provider.clone(),
            label: self.username.chars().take(100).collect(),
            created_at: ctx.now(),
            used_at: Some(ctx.now()),
        }
    }
}

/// Uses the state of a provider's answer up: each signs in once.
///
/// # Errors
/// [`Error::Refused`] `state_used`.
pub async fn use_state(ctx: &OpCtx, state: &str) -> Result<()> {
    let hash = hex::encode(Sha256::digest(state.as_bytes()));
    let now = ctx.now();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let fresh = change.tx().use_state(&hash, now, now.plus(-STATES)).await?;
    change.commit().await?;
    if fresh {
        return Ok(());
    }
    Err(Error::refused(
        "state_used",
        "This answer of the provider was used already. Sign in again.",
        "该登录结果已被使用，请重新登录。",
    ))
}

/// Signs in who a provider says somebody is; somebody new gets an account, and no rights but those of their groups.
///
/// # Errors
/// [`Error::Refused`] `deactivated`.
pub async fn sign_in(ctx: &OpCtx, who: &Outside) -> Result<Person> {
    let mut tx = ctx.read().await?;
    let known = tx.person_of_identity(&who.issuer, &who.subject).await?;
    drop(tx);
    if known
        .as_ref()
        .is_some_and(|person| person.deactivated_at.is_some())
    {
        return Err(Error::refused(
            "deactivated",
            "This account is switched off.",
            "该账号已停用。",
        ));
    }
    let mut change = ctx.change().await?;
    // What it does to groups has its own rows in the log.
    change.bookkeeping();
    let person = match known {
        Some(person) => {
            change.tx().use_identity(&who.row(ctx)).await?;
            person
        }
        None => make(&mut change, who).await?,
    };
    if let Some(groups) = &who.groups {
        follow(&mut change, &person.as_ref(), groups).await?;
    }
    change.commit().await?;
    Ok(person)
}

/// An account for somebody who was never here.
async fn make(change: &mut Change<'_>, who: &Outside) -> Result<Person> {
    let ctx = change.ctx().clone();
    let wanted = username(&who.username);
    let (mut free, mut number) = (wanted.clone(), 1);
    while change.tx().credentials(&free).await?.is_some() {
        number += 1;
        free = format!("{wanted}-{number}");
    }
    // Commits are told apart by address: one that is somebody's already stays theirs.
    let mut email = who
        .email
        .as_deref()
        .and_then(|email| slipway_domain::person::email(email).ok()?);
    if let Some(address) = &email
        && !change
            .tx()
            .people_by_email(std::slice::from_ref(address))
            .await?
            .is_empty()
    {
        email = None;
    }
    let person = Person {
        id: ctx.id(),
        name: shown(&who.name).unwrap_or_else(|| free.clone()),
        username: free,
        email,
        locale: None,
        created_at: ctx.now(),
        deactivated_at: None,
    };
    let new = NewPerson {
        person: person.clone(),
        password_hash: None,
    };
    let row = who.row(&ctx);
    change.tx().insert_person(&new).await?;
    change.tx().insert_identity(person.id, &row).await?;
    Ok(person)
}

/// A provider's name of somebody, cut to what is taken here.
fn shown(name: &str) -> Option<String> {
    let cut: String = name.chars().take(slipway_domain::person::NAME_MAX).collect();
    slipway_domain::person::name(&cut).ok()
}

/// Puts the person into the groups that the provider lists, and takes them out of those it lists no more.
async fn follow(change: &mut Change<'_>, person: &PersonRef, groups: &Groups) -> Result<()> {
    // By organization: everybody locks in the same order.
    let claimed = change.tx().claimed_groups(person.id, &groups.prefix).await?;
    for group in claimed {
        match moved(group.standing, groups.names.contains(&group.claim)) {
            Some(Move::Join) => {
                change.tx().lock_org(group.org).await?;
                change.tx().join_by_claim(person.id, group.group.id).await?;
                tell(change, person, &group, "group.join_by_claim", Outcome::Done).await?;
            }
            Some(Move::Leave) => leave(change, person, &group).await?,
            None => {}
        }
    }
    Ok(())
}

/// Takes the person out, unless that took the organization its last owner.
async fn leave(change: &mut Change<'_>, person: &PersonRef, group: &ClaimedGroup) -> Result<()> {
    change.tx().lock_org(group.org).await?;
    change.tx().leave_by_claim(person.id, group.group.id).await?;
    let outcome = match keep_an_owner(change, group.org).await {
        Ok(()) => Outcome::Done,
        Err(Error::Refused { .. }) => {
            change.tx().join_by_claim(person.id, group.group.id).await?;
            Outcome::Refused
        }
        Err(other) => return Err(other),
    };
    tell(change, person, group, "group.leave_by_claim", outcome).await
}

async fn tell(
    change: &mut Change<'_>,
    person: &PersonRef,
    group: &ClaimedGroup,
    action: &'static str,
    outcome: Outcome,
) -> Result<()> {
    let org = change
        .tx()
        .orgs()
        .await?
        .into_iter()
        .find(|org| org.id == group.org);
    let org = org.ok_or_else(|| Error::internal("a group without its organization"))?;
    let place = Place {
        org,
        project: None,
        app: None,
    };
    if outcome == Outcome::Done {
        let got = action == "group.join_by_claim";
        let what = if got { "member.grant" } else { "member.revoke" };
        tell_of_roles(change, &place.org, &group.group, Holder::Person(person.id), what).await?;
    }
    let summary = serde_json::json!({ "person": person.username, "claim": group.claim });
    let (id, name) = (group.group.id, group.group.name.clone());
    let entry = Entry::done(action, "group", id, name, &place, summary);
    change.audit(Entry { outcome, ..entry }).await?;
    change.touch("groups", place.org.id, &place);
    change.touch("members", place.org.id, &place);
    change.touch_person("person", person.id, place.org.id);
    Ok(())
}

/// Links an identity to the actor.
///
/// # Errors
/// [`Error::Refused`] `step_up`; [`Error::Conflict`] `identity_taken` where it is somebody else's.
pub async fn link(ctx: &OpCtx, who: &Outside) -> Result<()> {
    let user = ctx.user()?.clone();
    session::proved(ctx)?;
    let mut change = ctx.change().await?;
    match change.tx().person_of_identity(&who.issuer, &who.subject).await? {
        Some(person) if person.id == user.id => return Ok(()),
        Some(_) => return Err(taken()),
        None => {}
    }
    let linked = change.tx().insert_identity(user.id, &who.row(ctx)).await;
    linked.map_err(|error| match error {
        StoreError::Constraint(_) => taken(),
        other => other.into(),
    })?;
    if let Some(groups) = &who.groups {
        follow(&mut change, &user, groups).await?;
    }
    person::told(&mut change, user.id, "identity.link").await?;
    change.commit().await
}

fn taken() -> Error {
    Error::conflict(
        "identity_taken",
        "Another account signs in with this identity. Nothing was changed. Sign in with it and unlink it there first.",
        "该身份已关联其他账号，未做任何更改。请先用它登录并在那里解除关联。",
    )
}

/// Unlinks one of the actor's identities.
///
/// # Errors
/// [`Error::Refused`] `step_up`, `last_way_in`, `by_token`; [`Error::NotFound`].
pub async fn unlink(ctx: &OpCtx, issuer: &str, subject: &str) -> Result<()> {
    let user = ctx.oneself()?.clone();
    if ctx.token().is_some() {
        return Err(Error::refused(
            "by_token",
            "A token cannot unlink identities: that takes somebody who confirms that it is them. Do it in the browser.",
            "令牌不能解除身份关联，该操作需要本人确认身份，请在浏览器中进行。",
        ));
    }
    session::proved(ctx)?;
    let ways = provider::ways(ctx).await?;
    let mut change = ctx.change().await?;
    if !change.tx().delete_identity(user.id, issuer, subject).await? {
        return Err(Error::NotFound);
    }
    let credentials = change.tx().credentials(&user.username).await?;
    let by_password = ways.local && credentials.is_some_and(|c| c.password_hash.is_some());
    let left = change.tx().identities_of(user.id).await?;
    if !by_password && !left.iter().any(|row| ways.issuers.contains(&row.issuer)) {
        return Err(Error::refused(
            "last_way_in",
            "This is your last way in. Link another identity or set a password first.",
            "这是你最后一种登录方式。请先关联其他身份或设置密码。",
        ));
    }
    person::told(&mut change, user.id, "identity.unlink").await?;
    change.commit().await
}

/// The actor's identities.
///
/// # Errors
/// Nobody is signed in.
pub async fn list(ctx: &OpCtx) -> Result<Vec<IdentityView>> {
    let user = ctx.oneself()?;
    let ways = provider::ways(ctx).await?;
    let mut tx = ctx.read().await?;
    let credentials = tx.credentials(&user.username).await?;
    let by_password = ways.local && credentials.is_some_and(|c| c.password_hash.is_some());
    let rows = tx.identities_of(user.id).await?;
    let usable = |row: &IdentityRow| ways.issuers.contains(&row.issuer);
    let count = rows.iter().filter(|row| usable(row)).count();
    let view = |row: IdentityRow| IdentityView {
        last: !by_password && (count == 0 || (count == 1 && usable(&row))),
        issuer: row.issuer,
        subject: row.subject,
        provider: row.provider,
        label: row.label,
        linked_at: row.created_at,
        used_at: row.used_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// The actor proves that it is them, by an identity of theirs that they have just signed in with anew.
///
/// # Errors
/// [`Error::Conflict`] `other_identity` where it is somebody else's.
pub async fn prove(ctx: &OpCtx, who: &Outside) -> Result<()> {
    let user = ctx.user()?.id;
    let found = ctx
        .read()
        .await?
        .person_of_identity(&who.issuer, &who.subject)
        .await?;
    if found.is_none_or(|person| person.id != user) {
        return Err(Error::conflict(
            "other_identity",
            "You signed in to the provider as somebody else. Nothing was changed. Try again with your own account there.",
            "你在登录提供方使用了其他账号，未做任何更改。请使用你自己的账号重试。",
        ));
    }
    session::note_proof(ctx).await
}
