//! Invitations by a link, and requests for roles.
//!
//! Whoever has the link of an invitation may use it, once. The token in it is random and only its hash is kept.

use crate::access::{self, Anywhere, At, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::mail;
use crate::member::{give, may_give, role_at, touch};
use crate::notice::tell as notice;
use crate::person::{self, NewAccount};
use crate::ports::{InvitationRecord, Mail, MailAccess, MailError, NewPerson, RequestRecord, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use slipway_domain::access::Action;
use slipway_domain::id::{InvitationId, RoleRequestId, UserId};
use slipway_domain::invitation::{
    DAYS_MAX, FreshInvitation, Invitation, InvitationMail, InvitationView, WORDS_MAX, lifetime,
};
use slipway_domain::member::Holder;
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;
use slipway_domain::role::HeldRole;
use slipway_domain::text::Text;
use slipway_domain::token::Scope;

/// The hash under which a token is kept.
fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Words of people, without spaces around them.
fn words(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > WORDS_MAX {
        return Err(Error::field(
            field,
            Text::new(
                format!("use at most {WORDS_MAX} characters"),
                format!("最多使用 {WORDS_MAX} 个字符"),
            ),
        ));
    }
    Ok(text.to_owned())
}

/// An invitation as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The key of the role.
    pub role: String,
    /// Whom it is meant for, for those who manage the place.
    pub note: String,
    /// How many days it holds.
    pub days: i64,
    /// The address that the link is mailed to; nothing: it is passed on in another way.
    pub email: String,
}

/// Makes an invitation to a role at the place; its link, which nobody can look up afterwards. Where there is an
/// address, the link is mailed there, in the actor's language. Where that fails, the invitation stays all the same.
///
/// # Errors
/// As [`access::managed`]; wrong fields; [`Error::Refused`] `more_than_you_hold`, `too_many_mails`.
pub async fn create(ctx: &OpCtx, at: At<'_>, input: Input) -> Result<FreshInvitation> {
    let place = access::managed(ctx, at).await?;
    let by = ctx.user()?.clone();
    let note = words("note", &input.note)?;
    let lifetime = lifetime(input.days).ok_or_else(|| {
        Error::field(
            "days",
            Text::new(
                format!("use 1 to {DAYS_MAX} days"),
                format!("请填写 1 到 {DAYS_MAX} 天"),
            ),
        )
    })?;
    let email = slipway_domain::mail::address(&input.email).map_err(|wrong| Error::field("email", wrong))?;
    let through = match &email {
        Some(_) => Some(mail_server(ctx, &place).await?),
        None => None,
    };
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let mut change = ctx.change().await?;
    change.tx().lock_org(place.org_id()).await?;
    let role = role_at(change.tx(), &place, &input.role).await?;
    may_give(ctx, &place, &role).await?;
    if email.is_some() {
        mail::count(&mut change).await?;
    }
    let mut summary = serde_json::json!({ "role": role.key(), "days": input.days });
    if let Some(email) = &email {
        summary["email"] = email.as_str().into();
    }
    let invitation = Invitation {
        id: ctx.id(),
        role,
        note,
        by,
        created_at: ctx.now(),
        expires_at: ctx.now().plus(lifetime),
        email,
        mailed_at: None,
    };
    change
        .tx()
        .insert_invitation(&place, &invitation, &hash(&token))
        .await?;
    let found = place.place();
    let entry = Entry::done(
        "invitation.create",
        "invitation",
        invitation.id,
        &*invitation.note,
        &found,
        summary,
    );
    change.audit(entry).await?;
    touch(&mut change, &found);
    change.commit().await?;
    let link = format!("{}/join?token={token}", ctx.portal().public_url);
    let mail = match (&invitation.email, through) {
        (Some(to), Some(through)) => {
            let sent = post(ctx, &place, &invitation, to, &link, &through).await;
            Some(InvitationMail {
                to: to.clone(),
                trouble: sent.err().map(|error| error.text()),
            })
        }
        _ => None,
    };
    Ok(FreshInvitation { link, mail })
}

/// The mail server that invitations to the place go through.
async fn mail_server(ctx: &OpCtx, place: &Authorized<Anywhere, may::Modify>) -> Result<MailAccess> {
    mail::in_force(ctx, place.org_id()).await?.ok_or_else(|| {
        Error::field(
            "email",
            Text::new(
                "no mail server is set up here: leave this empty, and pass the link on yourself",
                "尚未设置邮件服务器：请留空，并自行转发链接",
            ),
        )
    })
}

/// Mails the link of an invitation, and notes that it was.
async fn post(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, may::Modify>,
    invitation: &Invitation,
    to: &str,
    link: &str,
    through: &MailAccess,
) -> Result<(), MailError> {
    let letter = slipway_domain::mail::invitation(
        ctx.locale(),
        &slipway_domain::mail::Invite {
            by: &invitation.by.name,
            place: &place.place().names(),
            role: &invitation.role.text(),
            until: invitation.expires_at,
            link,
        },
    );
    let to = to.to_owned();
    mail::send(ctx, through, &Mail { to, letter }).await?;
    if let Err(error) = mailed(ctx, place, invitation.id).await {
        // It is on its way: only the list does not say so.
        tracing::error!(%error, invitation = %invitation.id, "that an invitation was mailed could not be noted");
    }
    Ok(())
}

async fn mailed(ctx: &OpCtx, place: &Authorized<Anywhere, may::Modify>, id: InvitationId) -> Result<()> {
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().invitation_mailed(place, id, ctx.now()).await?;
    touch(&mut change, &place.place());
    change.commit().await
}

/// The invitations to the place that can still be used.
///
/// # Errors
/// As [`access::managed`].
pub async fn list(ctx: &OpCtx, at: At<'_>) -> Result<Vec<Invitation>> {
    let place = access::managed(ctx, at).await?;
    Ok(ctx.read().await?.open_invitations(&place, ctx.now()).await?)
}

/// Takes an invitation back that nobody has used.
///
/// # Errors
/// As [`access::managed`]; [`Error::NotFound`] where there is none to take back.
pub async fn revoke(ctx: &OpCtx, at: At<'_>, id: InvitationId) -> Result<()> {
    let place = access::managed(ctx, at).await?;
    let mut change = ctx.change().await?;
    let now = ctx.now();
    let taken = change.tx().revoke_invitation(&place, id, now).await;
    taken.map_err(|error| match error {
        StoreError::Gone => Error::NotFound,
        other => other.into(),
    })?;
    let found = place.place();
    let summary = serde_json::json!({});
    change
        .audit(Entry::done(
            "invitation.revoke",
            "invitation",
            id,
            "",
            &found,
            summary,
        ))
        .await?;
    touch(&mut change, &found);
    change.commit().await
}

/// An invitation that can be used, by its token.
async fn open(ctx: &OpCtx, token: &str) -> Result<(InvitationRecord, HeldRole)> {
    let found = ctx.read().await?.invitation_by_hash(&hash(token)).await?;
    let found = found.ok_or_else(unknown)?;
    if let Some((code, text)) = found.times.state(ctx.now()).refusal() {
        return Err(Error::Refused { code, text });
    }
    let role = found.role.clone().ok_or_else(|| {
        Error::refused(
            "invitation_role_gone",
            "The role of this invitation was deleted. Ask for a new invitation.",
            "该邀请对应的角色已被删除，请索取新的邀请。",
        )
    })?;
    Ok((found, role))
}

fn unknown() -> Error {
    Error::refused(
        "invitation_unknown",
        "There is no such invitation. Check that the link is complete, or ask for a new one.",
        "邀请不存在。请检查链接是否完整，或索取新的邀请。",
    )
}

/// What whoever has the token sees before they accept. Anyone may ask.
///
/// # Errors
/// [`Error::Refused`] `invitation_unknown`, `invitation_used`, `invitation_revoked`, `invitation_expired`.
pub async fn view(ctx: &OpCtx, token: &str) -> Result<InvitationView> {
    let (found, role) = open(ctx, token).await?;
    Ok(InvitationView {
        place: found.scope.place(),
        role,
        by: found.by,
        expires_at: found.times.expires_at,
        reader: ctx.user().ok().cloned(),
    })
}

/// Uses an invitation: whoever is signed in gets its role. The place it leads to.
///
/// # Errors
/// As [`view`]; nobody is signed in.
pub async fn accept(ctx: &OpCtx, token: &str) -> Result<Place> {
    let person = ctx.user()?.clone();
    use_up(ctx, token, &person, None).await
}

/// Makes a local account for whoever has the token, and uses the invitation for it.
///
/// # Errors
/// As [`view`]; wrong fields of the account.
pub async fn join(ctx: &OpCtx, token: &str, account: NewAccount) -> Result<(PersonRef, Place)> {
    // Looked at first: a link that is used up hashes no password.
    open(ctx, token).await?;
    let new = person::prepared(ctx, account).await?;
    let person = new.person.as_ref();
    let place = use_up(ctx, token, &person, Some(&new)).await?;
    Ok((person, place))
}

/// Uses the invitation up for `person`, in one transaction with the account that is made for it.
async fn use_up(ctx: &OpCtx, token: &str, person: &PersonRef, new: Option<&NewPerson>) -> Result<Place> {
    let (found, role) = open(ctx, token).await?;
    let place = access::by_invitation(&found.scope)?;
    let mut change = ctx.change().await?;
    change.tx().lock_org(place.org_id()).await?;
    if let Some(new) = new {
        person::insert(&mut change, new).await?;
    }
    let now = ctx.now();
    match change.tx().accept_invitation(found.id, person.id, now).await {
        Ok(()) => {}
        Err(StoreError::Gone) => {
            drop(change);
            // Somebody was quicker: say what became of it.
            return Err(open(ctx, token).await.err().unwrap_or_else(unknown));
        }
        Err(other) => return Err(other.into()),
    }
    let summary = serde_json::json!({ "role": role.key(), "by": found.by.username });
    give(&mut change, &place, Holder::Person(person.id), &person.name, role).await?;
    notice::invitation_accepted(&mut change, place.scope(), found.by.id, &person.name).await?;
    let leads_to = place.place();
    let entry = Entry::done(
        "invitation.accept",
        "person",
        person.id,
        &*person.name,
        &leads_to,
        summary,
    );
    change.audit(entry).await?;
    change.commit().await?;
    Ok(leads_to)
}

/// Asks for a role at a place that the actor sees.
///
/// # Errors
/// As [`access::anywhere`]; wrong fields; [`Error::Conflict`] `asked_already`.
pub async fn ask(ctx: &OpCtx, at: At<'_>, role: &str, reason: &str) -> Result<()> {
    let place = access::anywhere(ctx, at).await?;
    ctx.needs_scope(Scope::Manage)?;
    let person = ctx.user()?.clone();
    let reason = words("reason", reason)?;
    let mut change = ctx.change().await?;
    change.tx().lock_org(place.org_id()).await?;
    // Asking changes nobody's rights: the proof is only what finding a role takes.
    let role = role_at(change.tx(), &access::own_membership(&place), role).await?;
    let request = RequestRecord {
        id: ctx.id(),
        person: person.clone(),
        role,
        reason,
        created_at: ctx.now(),
    };
    let kept = change.tx().insert_role_request(&place, &request).await;
    kept.map_err(|error| match error {
        StoreError::Constraint(_) => Error::conflict(
            "asked_already",
            "You have asked for this role already; it waits for an answer.",
            "你已申请过该角色，正在等待处理。",
        ),
        other => other.into(),
    })?;
    let found = place.place();
    let summary = serde_json::json!({ "role": request.role.key(), "reason": request.reason });
    let entry = Entry::done(
        "role_request.create",
        "person",
        person.id,
        &*person.name,
        &found,
        summary,
    );
    change.audit(entry).await?;
    let deciders = deciders(&mut change, &place).await?;
    notice::role_asked(&mut change, &place, &request.role, &deciders).await?;
    touch(&mut change, &found);
    change.commit().await
}

/// Who manages the members of the place.
async fn deciders(change: &mut Change<'_>, place: &Authorized<Anywhere, may::See>) -> Result<Vec<UserId>> {
    let managing = if place.project_id().is_some() {
        Action::ProjectManage
    } else {
        Action::OrgManage
    };
    let members = change.tx().members_at(place).await?;
    let managers = members.iter().filter(|m| m.role.actions().has(managing));
    Ok(managers.map(|m| m.person.id).collect())
}

/// Decides a request: whoever may give the role. Whoever asked may only take it back.
///
/// # Errors
/// As [`access::anywhere`]; [`Error::NotFound`] where it does not wait; [`Error::Refused`] `more_than_you_hold`.
pub async fn decide(ctx: &OpCtx, at: At<'_>, id: RoleRequestId, granted: bool) -> Result<()> {
    let seen = access::anywhere(ctx, at).await?;
    ctx.needs_scope(Scope::Manage)?;
    let actor = ctx.user()?.id;
    let mut change = ctx.change().await?;
    change.tx().lock_org(seen.org_id()).await?;
    let waiting = change.tx().role_requests(&seen).await?;
    let request = waiting.into_iter().find(|r| r.id == id).ok_or(Error::NotFound)?;
    let now = ctx.now();
    let action = if granted {
        let place = access::managed(ctx, at).await?;
        may_give(ctx, &place, &request.role).await?;
        let holder = Holder::Person(request.person.id);
        give(
            &mut change,
            &place,
            holder,
            &request.person.name,
            request.role.clone(),
        )
        .await?;
        "role_request.grant"
    } else if request.person.id == actor {
        "role_request.withdraw"
    } else {
        let place = access::managed(ctx, at).await?;
        may_give(ctx, &place, &request.role).await?;
        "role_request.refuse"
    };
    change
        .tx()
        .decide_role_request(&seen, id, actor, granted, now)
        .await
        .map_err(|error| match error {
            StoreError::Gone => Error::NotFound,
            other => other.into(),
        })?;
    let found = seen.place();
    let summary = serde_json::json!({ "role": request.role.key() });
    let entry = Entry::done(
        action,
        "person",
        request.person.id,
        &*request.person.name,
        &found,
        summary,
    );
    change.audit(entry).await?;
    touch(&mut change, &found);
    change.touch_person("person", request.person.id, seen.org_id());
    notice::request_decided(&mut change, &seen, request.person.id, &request.role, granted).await?;
    change.commit().await
}
