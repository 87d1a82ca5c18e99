//! Server functions about the mail server of an organization.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::mail::MailSettings;

/// The mail settings of an organization.
#[server(name = ReadMail, prefix = "/api/fn", endpoint = "mail/settings", input = GetUrl)]
pub async fn read_mail(org: String) -> Result<MailSettings, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::mail::settings(&ctx, &org).await?)
}

/// Makes the organization's own mail server, or changes it; without a password the one it has stays.
#[server(name = EditMail, prefix = "/api/fn", endpoint = "mail/edit")]
pub async fn edit_mail(
    org: String,
    host: String,
    port: String,
    security: String,
    username: String,
    password: String,
    sender: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::mail::Input {
        host,
        port,
        security,
        username,
        password,
        sender,
    };
    Ok(slipway_portal::mail::edit(&ctx, &org, input).await?)
}

/// Sends a test to the reader's own address. Where it went is shown once, on the next page.
#[server(name = TestMail, prefix = "/api/fn", endpoint = "mail/test")]
pub async fn test_mail(org: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let address = slipway_portal::mail::test(&ctx, &org).await?;
    crate::design::flash::show_once(address);
    Ok(())
}

/// Forgets the organization's own mail server.
#[server(name = RemoveMail, prefix = "/api/fn", endpoint = "mail/remove")]
pub async fn remove_mail(org: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::mail::remove(&ctx, &org).await?)
}
