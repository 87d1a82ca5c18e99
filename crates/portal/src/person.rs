//! People: signing in, and what waits for them.

use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::member;
use crate::password;
use crate::ports::NewPerson;
use slipway_domain::id::UserId;
use slipway_domain::name::{NameError, Slug};
use slipway_domain::person::{Person, PersonRef};
use slipway_domain::project::Place;
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::SECOND;

/// Failures in a row that lock an account or an address.
const FAILURES: i64 = 10;

/// The shortest password that is taken, in characters.
const PASSWORD_MIN: usize = 8;

/// Under which the failures of an account are counted, whether there is one or not.
fn account_key(username: &str) -> String {
    format!("account:{}", username.to_lowercase())
}

/// Signs somebody in by password. `address` is where they come from, for the lock on addresses.
///
/// # Errors
/// [`Error::Refused`] `bad_credentials`, the same for unknown accounts; [`Error::Limited`] while locked.
pub async fn sign_in(ctx: &OpCtx, username: &str, password: &str, address: &str) -> Result<Person> {
    let keys = [account_key(username), format!("address:{address}")];
    let mut tx = ctx.read().await?;
    for key in &keys {
        if let (_, Some(until)) = tx.failures(key).await?
            && until > ctx.now()
        {
            let seconds = u64::try_from(until.since(ctx.now()) / SECOND).unwrap_or(0) + 1;
            return Err(Error::Limited { retry_after: seconds });
        }
    }
    let found = tx.credentials(username).await?;
    drop(tx);
    let hash = found.as_ref().and_then(|c| c.password_hash.clone());
    let typed = password.to_owned();
    let right = tokio::task::spawn_blocking(move || password::verify(&typed, hash.as_deref()))
        .await
        .map_err(Error::internal)?;
    let person = found
        .map(|c| c.person)
        .filter(|p| right && p.deactivated_at.is_none());
    count(ctx, &keys, person.is_some()).await?;
    person.ok_or_else(|| {
        Error::refused(
            "bad_credentials",
            "The name or the password is wrong.",
            "用户名或密码错误。",
        )
    })
}

/// Counts a failure for each key, or forgets them all.
async fn count(ctx: &OpCtx, keys: &[String], success: bool) -> Result<()> {
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

/// Who signed in elsewhere. The identity is linked by verified `(issuer, subject)`; somebody new gets an
/// account, and no rights.
///
/// # Errors
/// The account is switched off, or the database does not answer.
pub async fn sign_in_by_identity(
    ctx: &OpCtx,
    issuer: &str,
    subject: &str,
    username: &str,
    name: &str,
    email: Option<&str>,
) -> Result<Person> {
    let known = ctx.read().await?.person_of_identity(issuer, subject).await?;
    let person = match known {
        Some(person) => person,
        None => link_identity(ctx, issuer, subject, username, name, email).await?,
    };
    if person.deactivated_at.is_some() {
        return Err(Error::refused(
            "deactivated",
            "This account is switched off.",
            "该账号已停用。",
        ));
    }
    Ok(person)
}

async fn link_identity(
    ctx: &OpCtx,
    issuer: &str,
    subject: &str,
    username: &str,
    name: &str,
    email: Option<&str>,
) -> Result<Person> {
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let mut free = username.to_lowercase();
    let mut number = 1;
    while change.tx().credentials(&free).await?.is_some() {
        number += 1;
        free = format!("{}-{number}", username.to_lowercase());
    }
    let person = Person {
        id: ctx.id(),
        username: free,
        name: name.to_owned(),
        email: email.map(String::from),
        locale: None,
        created_at: ctx.now(),
        deactivated_at: None,
    };
    change
        .tx()
        .insert_person(&NewPerson {
            person: person.clone(),
            password_hash: None,
        })
        .await?;
    change
        .tx()
        .insert_identity(person.id, issuer, subject, ctx.now())
        .await?;
    change.commit().await?;
    Ok(person)
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
    change.tx().set_password(person, &hash).await?;
    change.tx().delete_sessions_of(person).await?;
    told(&mut change, person, "person.reset_password").await?;
    change.commit().await
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
    let key = account_key(&person.username);
    change.tx().set_failures(&key, 0, None).await?;
    told(&mut change, person.id, "person.unlock").await?;
    change.commit().await
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
    change.commit().await
}
