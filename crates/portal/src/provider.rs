//! Providers of sign-in: those of the configuration, and those that operators set up while the server runs.
//!
//! People are found by issuer and subject, and groups are filled by key. So the key of a provider never changes, and
//! what takes an issuer away may lock people out: whoever does that says with how many people they count.

use crate::access::{self, Authorized, Server, may};
use crate::change::{Change, ServerEntry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::identity::Ways;
use crate::ports::{ProviderAccess, ProviderRecord, StoreError, Tx};
use slipway_domain::id::ProviderId;
use slipway_domain::provider::{
    self, Configured, ConfiguredKind, LockedOut, Offered, Provider, ProviderList, ProviderPage,
    ProviderReport, judged,
};
use slipway_domain::text::Text;
use std::collections::HashSet;

/// What its pages are told by.
const TOPIC: &str = "providers";

/// The longest client secret, in bytes.
const SECRET_MAX: usize = 1000;

/// The ways in of the configuration.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// Whether local accounts sign in by password.
    pub local: bool,
    /// The providers.
    pub providers: Vec<Configured>,
}

/// A provider as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// For people.
    pub name: String,
    /// The issuer, exactly as it calls itself.
    pub issuer: String,
    /// What Slipway is registered as.
    pub client_id: String,
    /// The secret of that; nothing: the one it has.
    pub client_secret: String,
    /// What is asked for beside `openid`, with spaces between.
    pub scopes: String,
    /// The claim that lists groups; nothing: it fills none.
    pub groups_claim: String,
    /// Whose verified addresses come in, with spaces between; nothing: everybody's.
    pub allowed_domains: String,
}

/// What a client secret is sealed for.
pub(crate) fn sealed_for(id: ProviderId) -> String {
    format!("sign-in provider {id}")
}

fn is_hidden(ctx: &OpCtx, provider: &Provider) -> bool {
    let configured = &ctx.portal().sign_in.providers;
    configured.iter().any(|one| one.key == provider.key)
}

/// Those that people can sign in with now: the configuration's, then the operators', by key. A provider of the
/// configuration goes before one of the same key.
async fn on(ctx: &OpCtx, tx: &mut dyn Tx) -> Result<Vec<ProviderRecord>> {
    let mut found = tx.providers_on().await?;
    found.retain(|record| !is_hidden(ctx, &record.provider));
    Ok(found)
}

/// What the page of signing in offers. Anybody may ask.
///
/// # Errors
/// The database does not answer.
pub async fn offered(ctx: &OpCtx) -> Result<Vec<Offered>> {
    let configured = ctx.portal().sign_in.providers.iter().map(|one| Offered {
        key: one.key.clone(),
        name: one.name.clone(),
        issuer: one.issuer.clone(),
        // A GitLab cannot be told to ask for the password again.
        anew: one.kind == ConfiguredKind::Oidc,
    });
    let kept = on(ctx, &mut *ctx.read().await?).await?;
    let kept = kept.into_iter().map(|ProviderRecord { provider, .. }| Offered {
        key: provider.key,
        name: provider.name,
        issuer: provider.issuer,
        anew: true,
    });
    Ok(configured.chain(kept).collect())
}

/// The ways in that count now.
///
/// # Errors
/// The database does not answer.
pub async fn ways(ctx: &OpCtx) -> Result<Ways> {
    let issuers = offered(ctx).await?.into_iter().map(|one| one.issuer);
    Ok(Ways {
        local: ctx.portal().sign_in.local,
        issuers: issuers.collect(),
    })
}

/// The provider that operators set up under that key and that is on, with its secret: for the HTTP edge alone, at every
/// way there and back, so that a change counts at once and in every replica.
///
/// # Errors
/// The database does not answer, or the secret does not open.
pub async fn access(ctx: &OpCtx, key: &str) -> Result<Option<ProviderAccess>> {
    let found = on(ctx, &mut *ctx.read().await?).await?;
    let Some(record) = found.into_iter().find(|record| record.provider.key == key) else {
        return Ok(None);
    };
    let sealer = &ctx.portal().sealer;
    let opened = sealer.open(&sealed_for(record.provider.id), &record.client_secret);
    Ok(Some(ProviderAccess {
        provider: record.provider,
        client_secret: opened.map_err(Error::internal)?,
    }))
}

/// All of them, for operators.
///
/// # Errors
/// As [`access::operator`].
pub async fn list(ctx: &OpCtx) -> Result<ProviderList> {
    let server = access::operator(ctx).await?;
    let kept = ctx.read().await?.providers(&server).await?;
    let sign_in = &ctx.portal().sign_in;
    Ok(ProviderList {
        local: sign_in.local,
        configured: sign_in.providers.clone(),
        providers: kept.into_iter().map(|record| record.provider).collect(),
    })
}

/// One that operators set up, and whom it is the only way in for.
///
/// # Errors
/// As [`access::operator`]; [`Error::NotFound`].
pub async fn view(ctx: &OpCtx, key: &str) -> Result<ProviderPage> {
    let server = access::operator(ctx).await?;
    let mut tx = ctx.read().await?;
    let record = tx.provider(&server, key).await?.ok_or(Error::NotFound)?;
    let provider = record.provider;
    Ok(ProviderPage {
        redirect_uri: redirect_uri(ctx, &provider.key),
        hidden: is_hidden(ctx, &provider),
        locked_out: locked_out(ctx, &mut *tx, &server, &provider, None).await?,
        provider,
    })
}

/// Where a provider sends people back to.
pub fn redirect_uri(ctx: &OpCtx, key: &str) -> String {
    format!("{}/sign-in/{key}/callback", ctx.portal().public_url)
}

/// Whom `provider` is the only way in for, where it goes, or has the issuer `instead`.
async fn locked_out(
    ctx: &OpCtx,
    tx: &mut dyn Tx,
    server: &Authorized<Server, may::See>,
    provider: &Provider,
    instead: Option<&str>,
) -> Result<LockedOut> {
    let offered = on(ctx, tx).await?;
    let (this, others): (Vec<_>, Vec<_>) = offered
        .into_iter()
        .map(|record| record.provider)
        .partition(|one| one.id == provider.id);
    if this.is_empty() {
        // Nobody signs in with it as it is.
        return Ok(LockedOut::default());
    }
    let sign_in = &ctx.portal().sign_in;
    let others = others.into_iter().map(|one| one.issuer);
    let left: HashSet<String> = others
        .chain(sign_in.providers.iter().map(|one| one.issuer.clone()))
        .chain(instead.map(str::to_owned))
        .collect();
    let identities = tx
        .identities_beside(server, &provider.issuer, sign_in.local)
        .await?;
    let all: HashSet<_> = identities.iter().map(|(user, _)| *user).collect();
    let saved: HashSet<_> = identities
        .iter()
        .filter(|(_, issuer)| left.contains(issuer))
        .map(|(user, _)| *user)
        .collect();
    let reader = ctx.user().ok().map(|person| person.id);
    let lost = || all.difference(&saved);
    Ok(LockedOut {
        people: i64::try_from(lost().count()).unwrap_or(i64::MAX),
        reader: reader.is_some_and(|own| lost().any(|user| *user == own)),
    })
}

/// Lets pass whoever counts with so many people who cannot sign in afterwards, or with more.
fn counted(locked_out: LockedOut, counted: Option<i64>) -> Result<()> {
    let people = locked_out.people;
    if people <= counted.unwrap_or(0) {
        return Ok(());
    }
    let who = match people {
        1 => String::from("One person"),
        many => format!("{many} people"),
    };
    Err(Error::refused(
        "locks_out",
        format!(
            "{who} could not sign in any more: they have no password and no other way in. Nothing was \
             changed. Confirm that you know their number, or give them another way first."
        ),
        format!(
            "将有 {people} 人无法登录：他们没有密码，也没有其他登录方式。未做任何更改。\
             请确认你已知晓该人数，或先为他们提供其他登录方式。"
        ),
    ))
}

/// Sets a provider up; people can sign in with it at once.
///
/// # Errors
/// As [`access::operating`]; wrong fields, a taken key or an issuer out of bounds among them.
pub async fn create(ctx: &OpCtx, key: &str, input: Input) -> Result<String> {
    let server = access::operating(ctx).await?;
    let id = ctx.id();
    let key = match provider::key(key) {
        Ok(key) if ctx.portal().sign_in.providers.iter().any(|one| one.key == key) => Err(key_taken()),
        checked => checked,
    };
    let record = checked(ctx, id, key, input, None).await?;
    let key = record.provider.key.clone();
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    change
        .tx()
        .insert_provider(&server, &record)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => Error::field("key", key_taken()),
            other => other.into(),
        })?;
    told(
        &mut change,
        "provider.create",
        &record.provider,
        true,
        LockedOut::default(),
    )
    .await?;
    change.commit().await?;
    Ok(key)
}

fn key_taken() -> Text {
    Text::new(
        "another provider has this key; choose another",
        "已有使用该标识的提供方，请换一个",
    )
}

/// Changes a provider that still has `version`, if one is given. Without a secret the one it has stays, as long as issuer
/// and client id do: a secret is never sent to anybody else than whom it was given for. `people`: with how many the
/// actor counts who cannot sign in afterwards.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`]; a conflict where it has another version; [`Error::Refused`] `locks_out`.
pub async fn edit(
    ctx: &OpCtx,
    key: &str,
    version: Option<i64>,
    input: Input,
    on: Option<bool>,
    people: Option<i64>,
) -> Result<()> {
    let server = access::operating(ctx).await?;
    let before = known(ctx, &server, key).await?;
    if version.is_some_and(|version| version != before.provider.version) {
        return Err(StoreError::Gone.into());
    }
    let (id, key) = (before.provider.id, Ok(before.provider.key.clone()));
    let mut record = checked(ctx, id, key, input, Some(&before)).await?;
    if let Some(on) = on {
        record.provider.off_since = turned(ctx, &before.provider, on);
    }
    let new_secret = record.client_secret != before.client_secret;
    let leaves = record.provider.issuer != before.provider.issuer || record.provider.off_since.is_some();
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    let mut lost = LockedOut::default();
    if leaves {
        let instead = Some(record.provider.issuer.as_str()).filter(|_| record.provider.off_since.is_none());
        lost = locked_out(ctx, change.tx(), &server.see(), &before.provider, instead).await?;
        counted(lost, people)?;
    }
    change.tx().update_provider(&server, &record).await?;
    told(&mut change, "provider.edit", &record.provider, new_secret, lost).await?;
    change.commit().await
}

/// Since when it is off, once it is switched.
fn turned(ctx: &OpCtx, before: &Provider, on: bool) -> Option<slipway_domain::time::Timestamp> {
    match (on, before.off_since) {
        (true, _) => None,
        (false, Some(since)) => Some(since),
        (false, None) => Some(ctx.now()),
    }
}

/// Switches a provider off, so that nobody signs in with it, or on again. Sessions go on.
///
/// # Errors
/// As [`edit`].
pub async fn switch(ctx: &OpCtx, key: &str, on: bool, people: Option<i64>) -> Result<()> {
    let server = access::operating(ctx).await?;
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    let found = change.tx().provider(&server.see(), key).await?;
    let mut record = found.ok_or(Error::NotFound)?;
    if record.provider.off_since.is_none() == on {
        // The same click twice.
        return Ok(());
    }
    let mut lost = LockedOut::default();
    if !on {
        lost = locked_out(ctx, change.tx(), &server.see(), &record.provider, None).await?;
        counted(lost, people)?;
    }
    record.provider.off_since = turned(ctx, &record.provider, on);
    change.tx().update_provider(&server, &record).await?;
    let action = if on {
        "provider.switch_on"
    } else {
        "provider.switch_off"
    };
    told(&mut change, action, &record.provider, false, lost).await?;
    change.commit().await
}

/// Forgets a provider. The identities that are linked with it stay, so that one of the same issuer finds its people again.
///
/// # Errors
/// As [`edit`].
pub async fn remove(ctx: &OpCtx, key: &str, people: Option<i64>) -> Result<()> {
    let server = access::operating(ctx).await?;
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    let found = change.tx().provider(&server.see(), key).await?;
    let provider = found.ok_or(Error::NotFound)?.provider;
    let lost = locked_out(ctx, change.tx(), &server.see(), &provider, None).await?;
    counted(lost, people)?;
    change.tx().delete_provider(&server, provider.id).await?;
    told(&mut change, "provider.remove", &provider, false, lost).await?;
    change.commit().await
}

/// Asks a provider what it says of itself and for its keys, and keeps what is made of that.
///
/// # Errors
/// As [`access::operator`]; [`Error::NotFound`]. A provider that does not answer is no error: its report says so.
pub async fn test(ctx: &OpCtx, key: &str) -> Result<ProviderReport> {
    let server = access::operator(ctx).await?;
    let found = ctx.read().await?.provider(&server, key).await?;
    let provider = found.ok_or(Error::NotFound)?.provider;
    let (trouble, notes) = match ctx.portal().providers.discover(&provider.issuer).await {
        Ok(said) => judged(&provider, &said),
        Err(error) => (vec![error.text()], Vec::new()),
    };
    let report = ProviderReport {
        at: ctx.now(),
        trouble,
        notes,
    };
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().report_provider(&server, provider.id, &report).await?;
    change.touch_server(TOPIC);
    change.commit().await?;
    Ok(report)
}

async fn known(ctx: &OpCtx, server: &Authorized<Server, may::Modify>, key: &str) -> Result<ProviderRecord> {
    let found = ctx.read().await?.provider(&server.see(), key).await?;
    found.ok_or(Error::NotFound)
}

/// What is wrong with the fields, each found by `take`.
#[derive(Default)]
struct Wrong(Vec<FieldError>);

impl Wrong {
    /// The value, or an empty one and what is wrong with the field.
    fn take<T: Default>(&mut self, field: &str, checked: std::result::Result<T, Text>) -> T {
        checked.unwrap_or_else(|text| {
            self.0.push(FieldError {
                field: field.to_owned(),
                text,
            });
            T::default()
        })
    }
}

/// What was typed, as it is kept.
async fn checked(
    ctx: &OpCtx,
    id: ProviderId,
    key: std::result::Result<String, Text>,
    input: Input,
    before: Option<&ProviderRecord>,
) -> Result<ProviderRecord> {
    let mut wrong = Wrong::default();
    let provider = Provider {
        id,
        key: wrong.take("key", key),
        name: wrong.take("name", provider::name(&input.name)),
        issuer: wrong.take("issuer", provider::issuer(&input.issuer)),
        client_id: wrong.take("client_id", provider::client_id(&input.client_id)),
        scopes: wrong.take("scopes", provider::scopes(&input.scopes)),
        groups_claim: wrong.take("groups_claim", provider::claim(&input.groups_claim)),
        allowed_domains: wrong.take("allowed_domains", provider::domains(&input.allowed_domains)),
        off_since: before.and_then(|before| before.provider.off_since),
        report: before.and_then(|before| before.provider.report.clone()),
        version: before.map_or(0, |before| before.provider.version),
    };
    if !provider.issuer.is_empty()
        && let Err(error) = ctx.portal().providers.admits(&provider.issuer).await
    {
        wrong.take::<()>("issuer", Err(error.text()));
    }
    let secret = secret(ctx, &provider, &input.client_secret, before);
    let client_secret = wrong.take("client_secret", secret);
    if !wrong.0.is_empty() {
        return Err(Error::Invalid(wrong.0));
    }
    Ok(ProviderRecord {
        provider,
        client_secret,
        created_at: before.map_or_else(|| ctx.now(), |before| before.created_at),
    })
}

/// The secret as it is kept: sealed.
fn secret(
    ctx: &OpCtx,
    provider: &Provider,
    typed: &str,
    before: Option<&ProviderRecord>,
) -> std::result::Result<String, Text> {
    let typed = typed.trim();
    if typed.len() > SECRET_MAX || typed.chars().any(char::is_control) {
        return Err(Text::new(
            format!("use at most {SECRET_MAX} bytes, on one line"),
            format!("最多 {SECRET_MAX} 字节，且不能换行"),
        ));
    }
    if !typed.is_empty() {
        return Ok(ctx.portal().sealer.seal(&sealed_for(provider.id), typed));
    }
    match before {
        Some(before)
            if before.provider.issuer == provider.issuer
                && before.provider.client_id == provider.client_id =>
        {
            Ok(before.client_secret.clone())
        }
        Some(_) => Err(Text::new(
            "another issuer or client id needs its own secret",
            "更换 Issuer 或客户端 ID 后，请重新填写密钥",
        )),
        None => Err(Text::new(
            "write the client secret that the provider shows",
            "请填写提供方显示的客户端密钥",
        )),
    }
}

async fn told(
    change: &mut Change<'_>,
    action: &'static str,
    provider: &Provider,
    new_secret: bool,
    lost: LockedOut,
) -> Result<()> {
    let mut summary = serde_json::json!({
        "key": provider.key, "issuer": provider.issuer, "client_id": provider.client_id,
        "scopes": provider.scopes.join(" "), "groups_claim": provider.groups_claim,
        "allowed_domains": provider.allowed_domains.join(" "), "on": provider.off_since.is_none(),
        "new_secret": new_secret,
    });
    if lost.people > 0 {
        summary["locked_out"] = lost.people.into();
    }
    change
        .audit_server(ServerEntry {
            action,
            target_kind: "provider",
            target_id: provider.id.to_string(),
            target: provider.name.clone(),
            summary,
        })
        .await?;
    change.touch_server(TOPIC);
    Ok(())
}
