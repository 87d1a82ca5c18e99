//! Connections that change over from a token to OAuth and back, on both databases, against the sandbox's GitLab.

use crate::world::{ORG, World};
use slipway_portal::Error;
use slipway_portal::connection::ways;

on_both! {
    a_connection_changes_over_from_a_token_to_oauth_and_back,
}

pub async fn a_connection_changes_over_from_a_token_to_oauth_and_back(world: World) {
    let id = world.connection().await;
    world.app("storefront").await;
    let (ctx, application) = (world.ctx(), world.register("Later", &["api"]));
    let change = |secret: &str| {
        let (ctx, application, secret) = (ctx.clone(), application.id.clone(), secret.to_owned());
        async move { ways::use_oauth(&ctx, ORG, id, application, secret).await }
    };
    let refused = change("").await;
    assert!(matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "application_secret"));
    change(&application.secret).await.unwrap();
    assert_eq!(change(&application.secret).await.unwrap_err().code(), "by_oauth");

    // Until somebody has authorized it, it gets in by its token.
    let (_, oauth) = world.shown(id).await;
    assert!(oauth.token_until_then && oauth.authorized.is_none());
    world.use_it(id).await.unwrap();
    world.authorize(id).await.unwrap();
    let (_, oauth) = world.shown(id).await;
    assert!(oauth.in_force && !oauth.token_until_then);
    assert!(world.record(id).await.token.is_empty(), "the token is forgotten");
    world.use_it(id).await.unwrap();

    // And back: a token is needed, and what GitLab gave is taken back.
    let (access, _) = world.tokens(id).await;
    let none = ways::use_token(&ctx, ORG, id, " ").await;
    assert!(
        matches!(&none, Err(Error::Invalid(fields)) if fields[0].field == "token"),
        "{none:?}"
    );
    ways::use_token(&ctx, ORG, id, world.gitlab.admin_token())
        .await
        .unwrap();
    world.turn().await;
    assert_eq!(world.status_of(&access).await, 401);
    assert!(world.record(id).await.grant.is_none());
    world.use_it(id).await.unwrap();
    let again = ways::use_token(&ctx, ORG, id, "").await;
    assert_eq!(again.unwrap_err().code(), "by_token");
    let changes = world.audited().await;
    let edits = changes.iter().filter(|row| row.action == "connection.edit");
    assert_eq!(edits.count(), 2);
    world.gitlab.shutdown().await;
}
