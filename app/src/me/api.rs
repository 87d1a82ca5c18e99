//! Server functions about the signed-in person.

use super::security::SecurityPage;
use crate::AppError;
#[cfg(feature = "ssr")]
use crate::design::flash::show_once;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::org::Chrome;
use slipway_domain::person::Person;
use slipway_domain::session::SessionView;

/// What the frame of a page shows: the person, what waits for them, and the place.
#[server(name = ReadChrome, prefix = "/api/fn", endpoint = "me/chrome", input = GetUrl)]
pub async fn read_chrome(
    org: Option<String>,
    project: Option<String>,
    app: Option<String>,
) -> Result<Chrome, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::home::chrome(&ctx, org.as_deref(), project.as_deref(), app.as_deref()).await?)
}

/// The reader's own account.
#[server(name = ReadProfile, prefix = "/api/fn", endpoint = "me/profile", input = GetUrl)]
pub async fn read_profile() -> Result<Person, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::person::profile(&ctx).await?)
}

/// Changes the reader's name and where their mail goes.
#[server(name = UpdateProfile, prefix = "/api/fn", endpoint = "me/update")]
pub async fn update_profile(name: String, email: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::person::update_profile(&ctx, &name, &email).await?)
}

/// Where the reader is signed in.
#[server(name = ReadSessions, prefix = "/api/fn", endpoint = "me/sessions", input = GetUrl)]
pub async fn read_sessions() -> Result<Vec<SessionView>, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::session::list(&ctx).await?)
}

/// Ends one of the reader's sessions.
#[server(name = RevokeSession, prefix = "/api/fn", endpoint = "me/revoke_session")]
pub async fn revoke_session(session: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::session::revoke(&ctx, &session).await?)
}

/// Ends all of the reader's sessions but this one.
#[server(name = RevokeOtherSessions, prefix = "/api/fn", endpoint = "me/revoke_other_sessions")]
pub async fn revoke_other_sessions() -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::session::revoke_others(&ctx).await?)
}

/// How the reader signs in.
#[server(name = ReadSecurity, prefix = "/api/fn", endpoint = "me/security", input = GetUrl)]
pub async fn read_security() -> Result<SecurityPage, AppError> {
    let ctx = crate::ctx()?;
    Ok(SecurityPage {
        security: slipway_portal::factor::security(&ctx).await?,
        providers: slipway_portal::provider::offered(&ctx).await?,
    })
}

/// Unlinks one of the reader's identities.
#[server(name = UnlinkIdentity, prefix = "/api/fn", endpoint = "me/unlink")]
pub async fn unlink(issuer: String, subject: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::identity::unlink(&ctx, &issuer, &subject).await?)
}

/// Changes the reader's password.
#[server(name = ChangePassword, prefix = "/api/fn", endpoint = "me/password")]
pub async fn change_password(
    #[server(default)] password: String,
    new_password: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::person::change_password(&ctx, password, new_password).await?)
}

/// The reader proves that it is them.
#[server(name = Prove, prefix = "/api/fn", endpoint = "me/prove")]
pub async fn prove(password: String, #[server(default)] code: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::session::prove(&ctx, password, &code).await?)
}

/// Makes a secret for the reader's authenticator.
#[server(name = BeginFactor, prefix = "/api/fn", endpoint = "me/begin_factor")]
pub async fn begin_factor() -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::factor::begin(&ctx).await?)
}

/// The first code of it; the recovery codes are shown once.
#[server(name = ConfirmFactor, prefix = "/api/fn", endpoint = "me/confirm_factor")]
pub async fn confirm_factor(code: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let codes = slipway_portal::factor::confirm(&ctx, &code).await?;
    show_once(codes.join("\n"));
    Ok(())
}

/// New recovery codes, shown once.
#[server(name = RenewRecoveryCodes, prefix = "/api/fn", endpoint = "me/renew_codes")]
pub async fn renew_codes() -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let codes = slipway_portal::factor::renew_codes(&ctx).await?;
    show_once(codes.join("\n"));
    Ok(())
}

/// Switches the reader's second factor off.
#[server(name = RemoveFactor, prefix = "/api/fn", endpoint = "me/remove_factor")]
pub async fn remove_factor() -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::factor::remove(&ctx).await?)
}
