//! The audit chain.

use super::World;
use slipway_domain::access::Role;
use slipway_portal::{audit, org};

/// Every change is a row, the rows are a chain, and the chain verifies.
pub async fn every_change_joins_the_chain(world: World) {
    let ada = world.person("ada").await;
    let bob = world.person("bob").await;
    let acme = world.org("acme", ada.id).await;
    let ctx = world.as_person(&ada);
    org::grant(&ctx, "acme", None, bob.id, Role::OrgAuditor)
        .await
        .unwrap();
    let query = audit::Query {
        org: String::from("acme"),
        ..audit::Query::default()
    };
    let (_, rows) = audit::read(&world.as_person(&bob), &query).await.unwrap();
    let actions: Vec<_> = rows
        .iter()
        .map(|r| (r.seq, r.action.as_str(), r.actor.as_str()))
        .collect();
    assert_eq!(
        actions,
        [(2, "member.grant", "ADA"), (1, "org.create", "slipway")]
    );
    assert_eq!(
        ctx.read().await.unwrap().verify_audit(acme.id).await.unwrap(),
        None
    );
    let filtered = audit::Query {
        action: Some(String::from("org.")),
        ..query.clone()
    };
    assert_eq!(audit::read(&ctx, &filtered).await.unwrap().1.len(), 1);
    let older = audit::Query {
        before: Some(2),
        ..query
    };
    assert_eq!(audit::read(&ctx, &older).await.unwrap().1[0].seq, 1);
}

/// Writers at the same time queue for the chain's end.
pub async fn two_writers_never_fork_the_chain(world: World) {
    let ada = world.person("ada").await;
    let acme = world.org("acme", ada.id).await;
    let people: Vec<_> = futures::future::join_all((0..8).map(|n| {
        let world = world.clone();
        async move { world.person(&format!("p{n}x")).await }
    }))
    .await;
    let granted = futures::future::join_all(people.iter().map(|person| {
        let ctx = world.as_person(&ada);
        async move { org::grant(&ctx, "acme", None, person.id, Role::OrgMember).await }
    }))
    .await;
    assert!(granted.iter().all(Result::is_ok), "{granted:?}");
    assert_eq!(
        world
            .system()
            .read()
            .await
            .unwrap()
            .verify_audit(acme.id)
            .await
            .unwrap(),
        None
    );
}
