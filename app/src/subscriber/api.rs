//! Server functions about webhooks that Slipway sends.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::{MessageId, SubscriberId};
use slipway_domain::message::MessageView;
use slipway_domain::subscriber::{SubscriberList, SubscriberView};
#[cfg(feature = "ssr")]
use slipway_portal::access::At;

/// The webhooks of an organization itself, or of a project.
#[server(name = ReadSubscribers, prefix = "/api/fn", endpoint = "subscriber/list", input = GetUrl)]
pub async fn read_subscribers(org: String, project: Option<String>) -> Result<SubscriberList, AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    Ok(slipway_portal::subscriber::list(&ctx, at).await?)
}

/// One of them with its deliveries, those before `before`. An id that is none reads as not found.
#[server(name = ReadSubscriber, prefix = "/api/fn", endpoint = "subscriber/view", input = GetUrl)]
pub async fn read_subscriber(
    org: String,
    project: Option<String>,
    webhook: String,
    before: Option<String>,
) -> Result<SubscriberView, AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    let id = webhook.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    let before = before.and_then(|before| before.parse().ok());
    Ok(slipway_portal::subscriber::view(&ctx, at, id, before).await?)
}

/// One delivery. An id that is none reads as not found.
#[server(name = ReadMessage, prefix = "/api/fn", endpoint = "subscriber/message", input = GetUrl)]
pub async fn read_message(
    org: String,
    project: Option<String>,
    webhook: String,
    delivery: String,
) -> Result<MessageView, AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    let id = webhook.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    let delivery = delivery.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::subscriber::message(&ctx, at, id, delivery).await?)
}

/// Makes a webhook. Its secret is shown once, on the next page.
#[server(name = CreateSubscriber, prefix = "/api/fn", endpoint = "subscriber/create")]
pub async fn create_subscriber(
    org: String,
    project: Option<String>,
    url: String,
    description: String,
    #[server(default)] kinds: Vec<String>,
    enabled: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    let input = slipway_portal::subscriber::Input {
        url,
        description,
        kinds,
        enabled: enabled.unwrap_or_default(),
    };
    let made = slipway_portal::subscriber::create(&ctx, at, input).await?;
    crate::design::flash::show_once(made.secret);
    Ok(())
}

/// Changes a webhook that still has `version`.
#[server(name = EditSubscriber, prefix = "/api/fn", endpoint = "subscriber/edit")]
pub async fn edit_subscriber(
    org: String,
    project: Option<String>,
    webhook: SubscriberId,
    version: i64,
    url: String,
    description: String,
    #[server(default)] kinds: Vec<String>,
    enabled: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    let input = slipway_portal::subscriber::Input {
        url,
        description,
        kinds,
        enabled: enabled.unwrap_or_default(),
    };
    Ok(slipway_portal::subscriber::update(&ctx, at, webhook, Some(version), input).await?)
}

/// Gives a webhook a new secret, which is shown once, on the next page.
#[server(name = RotateSecret, prefix = "/api/fn", endpoint = "subscriber/rotate")]
pub async fn rotate_secret(
    org: String,
    project: Option<String>,
    webhook: SubscriberId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    let made = slipway_portal::subscriber::rotate(&ctx, at, webhook).await?;
    crate::design::flash::show_once(made.secret);
    Ok(())
}

/// Deletes a webhook with its deliveries.
#[server(name = DeleteSubscriber, prefix = "/api/fn", endpoint = "subscriber/delete")]
pub async fn delete_subscriber(
    org: String,
    project: Option<String>,
    webhook: SubscriberId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    slipway_portal::subscriber::delete(&ctx, at, webhook).await?;
    let place = match at.project {
        Some(project) => crate::places::project(&org, project),
        None => crate::places::org(&org),
    };
    leptos_axum::redirect(&format!("{place}/settings/webhooks"));
    Ok(())
}

/// Sends a test.
#[server(name = TestSubscriber, prefix = "/api/fn", endpoint = "subscriber/test")]
pub async fn test_subscriber(
    org: String,
    project: Option<String>,
    webhook: SubscriberId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    slipway_portal::subscriber::test(&ctx, at, webhook).await?;
    Ok(())
}

/// Sends a delivery again.
#[server(name = ResendMessage, prefix = "/api/fn", endpoint = "subscriber/resend")]
pub async fn resend_message(
    org: String,
    project: Option<String>,
    webhook: SubscriberId,
    delivery: MessageId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    Ok(slipway_portal::subscriber::resend(&ctx, at, webhook, delivery).await?)
}
