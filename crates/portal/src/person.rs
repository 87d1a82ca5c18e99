//! People: signing in, and what waits for them.

use crate::change::{Change, Entry, ServerEntry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::factor;
use crate::member;
use crate::password;
use crate::ports::NewPerson;
use crate::session;
use crate::version;
use slipway_domain::id::UserId;
use slipway_domain::name::{NameError, Slug};
use slipway_domain::person::{self, Person, PersonRef};
use slipway_domain::project::Place;
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::SECOND;
use std::sync::atomic::Ordering;

/// Failures in a row that lock an account or an address.
const FAILURES: i64 = 10;

/// The shortest password that is taken, in characters.
const PASSWORD_MIN: usize = 8;

/// Under which the failures of an account are counted, whether there is one or not.
pub(crate) fn account_key(username: &str) -> String {
    format!("account:{}", username.to_lowercase())
}

/// Who came by password, and whether that is enough.
#[derive(Clone, Debug)]
pub enum Door {
    /// They are in.
    Open(Person),
    /// Their second factor comes next; see [`factor::check`].
    CodeNext(Person),
}

impl Door {
    /// Who it is.
    pub const fn person(&self) -> &Person {
        match self {
            Self::Open(person) | Self::CodeNext(person) => person,
        }
    }
}

/// Under which the failures from an address are counted.
pub(crate) fn address_key(address: &str) -> String {
    format!("address:{address}")
}

/// Signs somebody in by password. `address` is where they come from, for the lock on addresses.
///
/// # Errors
/// [`Error::Refused`] `bad_credentials`, the same for unknown accounts; [`Error::Limited`] while locked.
pub async fn sign_in(ctx: &OpCtx, username: &str, password: &str, address: &str) -> Result<Door> {
    let keys = [account_key(username), address_key(address)];
    unlocked(ctx, &keys).await?;
    let found = ctx.read().await?.credentials(username).await?;
    let hash = found.as_ref().and_then(|c| c.password_hash.clone());
    let right = verified(ctx, password.to_owned(), hash).await?;
    let person = found
        .map(|c| c.person)
        .filter(|p| right && p.deactivated_at.is_none());
    count(ctx, &keys, person.is_some()).await?;
    let person = person.ok_or_else(|| {
        Error::refused(
            "bad_credentials",
            "The name or the password is wrong.",
            "用户名或密码错误。",
        )
    })?;
    if factor::is_asked(ctx, person.id).await? {
        return Ok(Door::CodeNext(person));
    }
    Ok(Door::Open(person))
}

/// Lets somebody in whose password was right a moment ago and whose second factor was asked for.
///
/// # Errors
/// As [`factor::check`]; [`Error::Unauthenticated`] where the account was switched off meanwhile.
pub async fn sign_in_by_code(ctx: &OpCtx, user: UserId, typed: &str, address: &str) -> Result<Person> {
    factor::check(ctx, user, typed, Some(address)).await?;
    let person = ctx.read().await?.person(user).await?;
    person
        .filter(|person| person.deactivated_at.is_none())
        .ok_or(Error::Unauthenticated)
}

/// Whether `typed` is the password of that hash; the same work without one. Off the async threads.
async fn verified(ctx: &OpCtx, typed: String, hash: Option<String>) -> Result<bool> {
    ctx.portal().memory().verified.fetch_add(1, Ordering::Relaxed);
    tokio::task::spawn_blocking(move || password::verify(&typed, hash.as_deref()))
        .await
        .map_err(Error::internal)
}

/// Refuses while one of the keys is locked.
pub(crate) async fn unlocked(ctx: &OpCtx, keys: &[String]) -> Result<()> {
    let mut tx = ctx.read().await?;
    for key in keys {
        if let (_, Some(until)) = tx.failures(key).await?
            && until > ctx.now()
        {
            let seconds = u64::try_from(until.since(ctx.now()) / SECOND).unwrap_or(0) + 1;
            return Err(Error::Limited { retry_after: seconds });
        }
    }
    Ok(())
}

/// Counts a failure for each key, or forgets them all.
pub(crate) async fn count(ctx: &OpCtx, keys: &[String], success: bool) -> Result<()> {
    let mut change = ctx.change().await?;
    change.bookkeeping();
    for key in keys {
        let (before, _) = change.tx().failures(key).await?;
        if success && before == 0 {
            continue;
        }
        let failures = if success { 0 } else { before + 1 };
        let locked = (failures >= FAILURES).then(|| {
            let doublings = (failures - FAILURES).clamp(0, 7);
            ctx.now().plus((30 * SECOND) << doublings)
        });
        change.tx().set_failures(key, failures, locked).await?;
    }
    change.commit().await
}

/// A local account to be made.
pub struct NewAccount {
    /// The sign-in name.
    pub username: String,
    /// The display name.
    pub name: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// The password.
    pub password: String,
}

/// Makes a local account (`slipway user create-owner`, the demo). It has no rights yet.
///
/// # Errors
/// The name is wrong or taken, or the password is too short.
pub async fn create(ctx: &OpCtx, new: NewAccount) -> Result<PersonRef> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let new = prepared(ctx, new).await?;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    insert(&mut change, &new).await?;
    change.commit().await?;
    Ok(new.person.as_ref())
}

/// An account with its names checked and its password hashed: what takes long, before any transaction.
pub(crate) async fn prepared(ctx: &OpCtx, new: NewAccount) -> Result<NewPerson> {
    Slug::parse(&new.username).map_err(|e| Error::name("username", e))?;
    if new.name.trim().is_empty() {
        return Err(Error::name("name", NameError::Empty));
    }
    let hash = hashed("password", new.password).await?;
    Ok(NewPerson {
        person: Person {
            id: ctx.id(),
            username: new.username,
            name: new.name.trim().to_owned(),
            email: new.email,
            locale: None,
            created_at: ctx.now(),
            deactivated_at: None,
        },
        password_hash: Some(hash),
    })
}

/// Keeps a prepared account.
pub(crate) async fn insert(change: &mut Change<'_>, new: &NewPerson) -> Result<()> {
    if change.tx().credentials(&new.person.username).await?.is_some() {
        return Err(Error::field(
            "username",
            Text::new("this name is taken", "该用户名已被使用"),
        ));
    }
    Ok(change.tx().insert_person(new).await?)
}

/// The hash of a password that is long enough.
async fn hashed(field: &str, password: String) -> Result<String> {
    if password.chars().count() < PASSWORD_MIN {
        let text = Text::new(
            format!("use at least {PASSWORD_MIN} characters"),
            format!("至少使用 {PASSWORD_MIN} 个字符"),
        );
        return Err(Error::field(field, text));
    }
    tokio::task::spawn_blocking(move || password::hash(&password))
        .await
        .map_err(Error::internal)
}

/// Gives an account a new password and ends its sessions (`slipway user reset-password`).
///
/// # Errors
/// The password is too short. Not for people: [`Error::NotFound`].
pub async fn reset_password(ctx: &OpCtx, person: UserId, password: String) -> Result<()> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let hash = hashed("password", password).await?;
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    change.tx().set_password(person, &hash).await?;
    change.tx().delete_sessions_of(person, None).await?;
    change.touch_sessions();
    told_by_operator(&mut change, person, "person.reset_password").await?;
    change.commit().await
}

/// Changes the actor's password and ends their other sessions. Who has no password yet gets one, and proves who they
/// are by their session.
///
/// # Errors
/// The current one is wrong, or [`Error::Refused`] `step_up`; [`Error::Limited`] after too many wrong ones; the new one
/// is too short.
pub async fn change_password(ctx: &OpCtx, current: String, new: String) -> Result<()> {
    let user = ctx.user()?.clone();
    let stored = ctx.read().await?.credentials(&user.username).await?;
    if stored.and_then(|c| c.password_hash).is_some() {
        prove_by_password(ctx, &user, current).await?;
    } else {
        session::proved(ctx)?;
    }
    let hash = hashed("new_password", new).await?;
    let mut change = ctx.change().await?;
    change.tx().set_password(user.id, &hash).await?;
    let keep = ctx.session().map(|session| &*session.key);
    change.tx().delete_sessions_of(user.id, keep).await?;
    change.touch_sessions();
    told(&mut change, user.id, "person.change_password").await?;
    change.commit().await
}

/// Lets pass whoever knows the password of `user`, who is signed in. Wrong ones count as failed sign-ins.
///
/// # Errors
/// A wrong `password`; [`Error::Limited`] after too many.
pub(crate) async fn prove_by_password(ctx: &OpCtx, user: &PersonRef, typed: String) -> Result<()> {
    let keys = [account_key(&user.username)];
    unlocked(ctx, &keys).await?;
    let hash = ctx.read().await?.credentials(&user.username).await?;
    let hash = hash.and_then(|c| c.password_hash);
    let right = verified(ctx, typed, hash).await?;
    count(ctx, &keys, right).await?;
    if right {
        return Ok(());
    }
    Err(Error::field(
        "password",
        Text::new("this is not your password", "密码不正确"),
    ))
}

/// Changes the actor's display name and where their mail goes.
///
/// # Errors
/// A wrong name or address; the address is somebody else's.
pub async fn update_profile(ctx: &OpCtx, name: &str, email: &str) -> Result<()> {
    update_account(ctx, name, email, None).await
}

/// As [`update_profile`], and the actor's language, where one is given.
///
/// # Errors
/// As [`update_profile`].
pub async fn update_account(ctx: &OpCtx, name: &str, email: &str, locale: Option<Locale>) -> Result<()> {
    let user = ctx.changing_oneself()?.id;
    let name = person::name(name).map_err(|wrong| Error::name("name", wrong))?;
    let email = person::email(email).map_err(|wrong| Error::field("email", wrong))?;
    let mut change = ctx.change().await?;
    change.tx().lock_person(user).await?;
    let now = change.tx().person(user).await?.ok_or(Error::Unauthenticated)?;
    change.only_on(version::profile(&now))?;
    if let Some(email) = &email {
        // Commits are told apart by address: it cannot be two people's.
        let theirs = change.tx().people_by_email(std::slice::from_ref(email)).await?;
        if theirs.iter().any(|person| person.id != user) {
            let text = Text::new(
                "another account has this address; use one of your own",
                "该邮箱已属于其他账号，请使用自己的邮箱",
            );
            return Err(Error::field("email", text));
        }
    }
    change.tx().set_profile(user, &name, email.as_deref()).await?;
    if let Some(locale) = locale {
        change.tx().set_locale(user, locale).await?;
    }
    change.touch_sessions();
    told(&mut change, user, "person.update").await?;
    change.commit().await
}

/// The actor's own account.
///
/// # Errors
/// Nobody is signed in.
pub async fn profile(ctx: &OpCtx) -> Result<Person> {
    let user = ctx.oneself()?.id;
    let found = ctx.read().await?.person(user).await?;
    found.ok_or(Error::Unauthenticated)
}

/// Forgets the failed sign-ins of an account (`slipway user unlock`). The lock on an address ends by itself.
///
/// # Errors
/// Not for people: [`Error::NotFound`].
pub async fn unlock(ctx: &OpCtx, person: &PersonRef) -> Result<()> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    let key = account_key(&person.username);
    change.tx().set_failures(&key, 0, None).await?;
    told_by_operator(&mut change, person.id, "person.unlock").await?;
    change.commit().await
}

/// As [`told`], for what an operator or whoever runs the server did to it: the server's own log has it first, also of
/// an account that is in no organization. The server is locked.
pub(crate) async fn told_by_operator(
    change: &mut Change<'_>,
    person: UserId,
    action: &'static str,
) -> Result<()> {
    let found = change.tx().person(person).await?.ok_or(Error::NotFound)?;
    change
        .audit_server(ServerEntry {
            action,
            target_kind: "person",
            target_id: found.id.to_string(),
            target: found.name,
            summary: serde_json::json!({ "username": found.username }),
        })
        .await?;
    told(change, person, action).await
}

/// Writes what was done to an account into the log of every organization that the person is in.
pub(crate) async fn told(change: &mut Change<'_>, person: UserId, action: &'static str) -> Result<()> {
    // An account that is in no organization has no log.
    change.bookkeeping();
    let person = change.tx().person(person).await?.ok_or(Error::NotFound)?;
    let mut theirs = change.tx().orgs_of(person.id).await?;
    // Everybody locks in the same order.
    theirs.sort_unstable();
    let all = change.tx().orgs().await?;
    for id in theirs {
        let Some(org) = all.iter().find(|org| org.id == id).cloned() else {
            continue;
        };
        let place = Place {
            org,
            project: None,
            app: None,
        };
        let summary = serde_json::json!({ "username": person.username });
        change
            .audit(Entry::done(
                action,
                "person",
                person.id,
                &*person.name,
                &place,
                summary,
            ))
            .await?;
        member::touch(change, &place);
    }
    Ok(())
}

/// Who signs in by that name (`slipway user`).
///
/// # Errors
/// [`Error::NotFound`], also for people.
pub async fn by_username(ctx: &OpCtx, username: &str) -> Result<PersonRef> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let found = ctx.read().await?.credentials(username).await?;
    found.map(|c| c.person.as_ref()).ok_or(Error::NotFound)
}

/// Somebody by id, for the session.
///
/// # Errors
/// The database does not answer.
pub async fn by_id(ctx: &OpCtx, id: UserId) -> Result<Option<Person>> {
    Ok(ctx.read().await?.person(id).await?)
}

/// Sets the actor's language.
///
/// # Errors
/// Nobody is signed in.
pub async fn set_locale(ctx: &OpCtx, locale: Locale) -> Result<()> {
    let user = ctx.user()?.id;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().set_locale(user, locale).await?;
    change.touch_sessions();
    change.commit().await
}
