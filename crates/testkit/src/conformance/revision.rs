//! Whether anything has changed.

use super::World;

/// Where the database tells revisions, each commit makes another one and reading makes none.
pub async fn a_revision_tells_of_every_commit(world: World) {
    let store = &world.portal.store;
    let revision = async || store.revision().await.expect("the store answers");
    let Some(empty) = revision().await else {
        // Only reading could tell: nothing is promised.
        return;
    };
    assert_eq!(revision().await, Some(empty), "nothing was changed");
    let mut seen = vec![empty];
    for name in ["ada", "bob", "cleo"] {
        world.person(name).await;
        let now = revision().await.expect("it told before");
        assert!(!seen.contains(&now), "{name} was committed");
        seen.push(now);
    }
    let reader = store.read().await.expect("the store reads");
    reader.commit().await.expect("reading ends");
    let abandoned = store.write().await.expect("the store writes");
    drop(abandoned);
    assert_eq!(revision().await.as_ref(), seen.last(), "nothing was committed");
}
